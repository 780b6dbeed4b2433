/* SPDX-License-Identifier: MIT */
/*
 * torture.h - many threads on one part of the shim at once, and TAP.
 *
 * Run in release, where counter.h's adds are the shipped inline assembly, and
 * under ThreadSanitizer, which cannot see into it and gets atomics instead;
 * everything else is the same code in both.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TORTURE_THREADS 4

static int torture_tests;

static inline void torture_ok(bool passed, const char *name)
{
    printf("%sok %d - %s\n", passed ? "" : "not ", ++torture_tests, name);
    fflush(stdout);
}

static inline int torture_done(void)
{
    printf("1..%d\n", torture_tests);
    return 0;
}

struct torture_start {
    pthread_barrier_t *barrier;
    void (*run)(int thread);
    int thread;
};

static inline void *torture_thread(void *argument)
{
    struct torture_start *start = argument;

    pthread_barrier_wait(start->barrier);
    start->run(start->thread);
    return NULL;
}

/* Runs run(0), run(1), ... at once and waits for all. */
static inline void torture_run(void (*run)(int thread), int threads)
{
    pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
    struct torture_start *starts = calloc((size_t)threads, sizeof(*starts));
    pthread_barrier_t barrier;

    if (!ids || !starts ||
        pthread_barrier_init(&barrier, NULL, (unsigned)threads) != 0)
        abort();
    for (int i = 0; i < threads; i++) {
        starts[i] = (struct torture_start){&barrier, run, i};
        if (pthread_create(&ids[i], NULL, torture_thread, &starts[i]) != 0)
            abort();
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&barrier);
    free(starts);
    free(ids);
}

/* xorshift64: a sequence per seed, which must not be 0. */
static inline uint64_t torture_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
