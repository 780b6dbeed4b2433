/* SPDX-License-Identifier: MIT */
/*
 * thread_refusal.h - why the stacks of a process may not be read, and what to
 * change about it. Read next: ptrace(2), "Ptrace access mode checking".
 */
#ifndef PREPROF_THREAD_REFUSAL_H
#define PREPROF_THREAD_REFUSAL_H

#include <sys/types.h>

/* What the kernel looks at. */
struct thread_permission {
    uid_t owner; /* of /proc/PID/mem */
    uid_t user;  /* that the process runs as */
    uid_t we;    /* that we run as */
    int yama;    /* kernel.yama.ptrace_scope; 0 where there is none */
    pid_t pid;
};

/* Texts without newline, to be freed: the reason as words that a frame can
 * hold, and advice as a sentence. 0 or -ENOMEM. */
int thread_refusal_write(const struct thread_permission *permission,
                         char **reason, char **advice);

/* The same of a process that has refused; `process` is open at /proc/PID. */
int thread_refusal_explain(int process, pid_t pid, char **reason,
                           char **advice);

#endif
