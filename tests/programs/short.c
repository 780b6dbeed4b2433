/* SPDX-License-Identifier: MIT */
/*
 * short.c - `short BLOCKS [SECONDS [COUNT]]`: threads that a CPU profile has
 * trouble with. Says "ready" first.
 *
 * BLOCKS 0: one short thread after the other, each with 20 ms of work after an
 * allocation, at most COUNT of them; with COUNT, none has any work. BLOCKS 1:
 * one thread that works with all signals blocked.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

__attribute__((noinline)) static void work(double seconds)
{
    double from = now_s(CLOCK_THREAD_CPUTIME_ID);
    volatile uint64_t sum = 0;

    do
        for (int i = 0; i < 10000; i++)
            sum += (uint64_t)i;
    while (now_s(CLOCK_THREAD_CPUTIME_ID) - from < seconds);
}

static void *run(void *seconds)
{
    if (seconds) {
        free(malloc(1));
        work(*(double *)seconds);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    double seconds = argc > 2 ? atof(argv[2]) : 5, each = 0.02;
    long count = argc > 3 ? atol(argv[3]) : 0;
    double started = now_s(CLOCK_MONOTONIC);
    pthread_t thread;
    sigset_t all;

    bool blocks = argc > 1 && atoi(argv[1]);

    free(malloc(1)); /* so that there is a segment */
    if (blocks) {
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
    }
    puts("ready");
    fflush(stdout);
    if (blocks) {
        work(seconds);
        return 0;
    }
    for (long i = 0; (count == 0 || i < count) &&
                     now_s(CLOCK_MONOTONIC) - started < seconds;
         i++) {
        if (pthread_create(&thread, NULL, run, count ? NULL : &each) != 0)
            return 1;
        pthread_join(thread, NULL);
    }
    puts("done");
    return 0;
}
