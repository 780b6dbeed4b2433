/* SPDX-License-Identifier: MIT */
/*
 * rounds.h - a thread that looks after something, round after round, until it
 * is told to end or the parent of this process is gone.
 *
 * Whoever asks for a request is the parent: without it nobody will end one, so
 * the rounds end, and with them what they keep alive in another process.
 * Read next: cpu_request.c, trace_request.c.
 */
#ifndef PREPROF_ROUNDS_H
#define PREPROF_ROUNDS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

/* One round; returns after how many ms the next one is due. */
typedef unsigned rounds_make(void *data);

struct rounds {
    rounds_make *make;
    void *data;
    pid_t parent;
    bool runs; /* the thread has to be joined */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending; /* under lock */
};

/* Starts the first round at once. *rounds is the caller's, zeroed, and stays
 * where it is. Returns 0 or -errno. */
int rounds_begin(struct rounds *rounds, rounds_make *make, void *data);

/* Returns when no round is being made, nor will be. Nothing to do where none
 * was begun. */
void rounds_end(struct rounds *rounds);

#endif
