/* SPDX-License-Identifier: MIT */
/*
 * spin.c - `spin [THREADS [SECONDS]]`: CPU time in known shares.
 *
 * Each thread spends its time in four functions in the shares 4:3:2:1, by its
 * own CPU clock, in turns of a few milliseconds that no sampling keeps step
 * with. Says "ready" first, and at the end for each function the CPU time that
 * all threads spent in it, in ms.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 64
#define TURN_NS     700000 /* of share 1 */

static double seconds = 5;
static uint64_t spent_ns[4];
static uint64_t started_ns;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The loop is in the function itself: the leaf of its samples. */
#define SPIN(name, share)                                                      \
    __attribute__((noinline)) static void name(void)                           \
    {                                                                          \
        uint64_t from = now_ns(CLOCK_THREAD_CPUTIME_ID), now;                  \
        volatile uint64_t work = 0;                                            \
                                                                               \
        do {                                                                   \
            for (int i = 0; i < 20000; i++)                                    \
                work += (uint64_t)i;                                           \
            now = now_ns(CLOCK_THREAD_CPUTIME_ID);                             \
        } while (now - from < (share)*TURN_NS);                                \
        __atomic_fetch_add(&spent_ns[4 - (share)], now - from,                 \
                           __ATOMIC_RELAXED);                                  \
    }
SPIN(spin_four, 4)
SPIN(spin_three, 3)
SPIN(spin_two, 2)
SPIN(spin_one, 1)

static void *run(void *unused)
{
    (void)unused;
    while ((double)(now_ns(CLOCK_MONOTONIC) - started_ns) < seconds * 1e9) {
        spin_four();
        spin_three();
        spin_two();
        spin_one();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t threads[THREADS_MAX];

    if (argc > 2)
        seconds = atof(argv[2]);
    if (count < 1 || count > THREADS_MAX)
        return 2;
    free(malloc(1)); /* so that there is a segment */
    started_ns = now_ns(CLOCK_MONOTONIC);
    puts("ready");
    fflush(stdout);
    for (int i = 1; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            return 1;
    run(NULL);
    for (int i = 1; i < count; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        printf("%d %.1f\n", 4 - i, (double)spent_ns[i] / 1e6);
    return 0;
}
