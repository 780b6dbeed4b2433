/* SPDX-License-Identifier: MIT */
/*
 * thread_dump.h - all threads of a process at one moment: what each is called,
 * what it does, and where.
 *
 * Taken from outside. A blocked thread is read as it sleeps and looked at
 * again afterwards; only one that runs, or whose stack cannot be walked
 * without its registers, is stopped (thread_stop.h). Read next: thread_walk.h,
 * thread_record.h, profile_from_threads.c.
 */
#ifndef PREPROF_THREAD_DUMP_H
#define PREPROF_THREAD_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "thread_modules.h"
#include "thread_read.h"
#include "thread_words.h"

#define THREADS_MAX 100000

struct segment_snapshot;

enum thread_wait {
    THREAD_WAIT_NONE,
    THREAD_WAIT_LOCK, /* for a mutex that `other` holds */
    THREAD_WAIT_END,  /* for the end of `other` */
};

struct thread {
    pid_t tid;
    char name[THREAD_NAME_SIZE];
    char words[THREAD_WORDS_SIZE]; /* what it does */
    int64_t idle_ms;     /* since it was on a CPU, also to be stopped for a
                            dump; -1 unknown, 0 running */
    uint64_t *addresses; /* to look up, leaf first; owned */
    size_t depth;
    const char *cut; /* why the stack is no whole one, static; else NULL */
    enum thread_wait wait;
    pid_t other;        /* a thread of this process */
    uint64_t lock;      /* address of the mutex */
    uint64_t *creation; /* by which stack it was created, addresses to look up,
                           leaf first; owned; NULL unknown */
    size_t creation_depth;
    uint32_t labels; /* id of its set in the dump's snapshot; 0 none */
    /* Of profile_from_threads.h: */
    size_t sample;
    size_t creator_location; /* of creation[0] */
};

struct thread_dump {
    pid_t pid;
    uint64_t time_ns;    /* CLOCK_REALTIME */
    uint64_t started_ns; /* of the process, about */
    char program[THREAD_NAME_SIZE];
    struct thread *threads; /* the main one first, then by tid */
    size_t count;
    struct thread_modules modules;
    char **deadlocks; /* a line each */
    size_t deadlock_count;
    char *refusal; /* why no stacks could be read; else NULL */
    char *advice;  /* what to change about that; else NULL */
    struct segment_snapshot *snapshot; /* of thread_record.h; owned, or NULL */
};

/*
 * 0 or -errno: -ESRCH no such process, or it has ended; -E2BIG more than
 * THREADS_MAX threads. Not to be permitted to read it is no error, but a dump
 * without stacks. The caller frees what it got.
 */
int thread_dump_take(pid_t pid, struct thread_dump **dump);
void thread_dump_free(struct thread_dump *dump);

/* By tid; NULL when there is none. */
const struct thread *thread_dump_find(const struct thread_dump *dump,
                                      pid_t tid);

#endif
