/* SPDX-License-Identifier: MIT */
/*
 * thread_read.h - what /proc says of one thread.
 *
 * All parsers take text as the kernel writes it and believe nothing of it.
 * Must never stop or change a thread. Read next: thread_dump.h.
 */
#ifndef PREPROF_THREAD_READ_H
#define PREPROF_THREAD_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define THREAD_NAME_SIZE 64 /* the kernel has 16, kthreads more */

/* /proc/PID/task/TID/status */
struct thread_status {
    char name[THREAD_NAME_SIZE];
    char state;        /* as ps shows it: R S D T t Z X I */
    uint64_t switches; /* how often it has left a CPU, for whatever reason */
};

/* /proc/PID/task/TID/syscall */
struct thread_syscall {
    bool running;   /* nothing else is known then */
    int64_t number; /* -1: blocked, but not in a call */
    uint64_t arguments[6];
    uint64_t sp, pc;
};

/* 0 or -EINVAL. */
int thread_status_parse(const char *text, struct thread_status *status);
int thread_syscall_parse(const char *text, struct thread_syscall *call);
/* Which call it was that a signal or a stop made go on as restart_syscall(),
 * with the same arguments: from /proc/PID/task/TID/wchan. */
int64_t thread_restarted_call(const char *wchan);
/* When the thread came last to a CPU, in microseconds of the scheduler's
 * clock: from /proc/PID/task/TID/sched. */
int thread_last_run_parse(const char *text, uint64_t *last_run_us);
/* When the thread was created, in clock ticks since boot: from
 * /proc/PID/task/TID/stat. */
int thread_start_parse(const char *text, uint64_t *ticks);

/*
 * Reads the file and parses it. `process` is open at /proc/PID. 0 or -errno:
 * -ENOENT or -ESRCH when the thread has ended, -EACCES or -EPERM when we may
 * not look.
 */
int thread_status_read(int process, pid_t tid, struct thread_status *status);
int thread_syscall_read(int process, pid_t tid, struct thread_syscall *call);
int thread_last_run_read(int process, pid_t tid, uint64_t *last_run_us);
int thread_start_read(int process, pid_t tid, uint64_t *ticks);

#endif
