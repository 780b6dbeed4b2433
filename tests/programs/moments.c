/* SPDX-License-Identifier: MIT */
/*
 * moments.c - `moments [SECONDS]`: what a trace shows, at known times.
 *
 * Until it is killed, or so many seconds: a thread "spinner" spends CPU time in
 * spin_here(); "napper" does so under a label, in turns of NAP_NS of CPU time
 * and of sleep; "holder" takes a lock for HOLD_NS and gives it back in
 * give_back(), for which "waiter" waits in wait_here() all that time, under
 * labels; and the main thread, in turns of STEP_NS, has STEP_SIZE bytes
 * allocated or not. Says "ready" first.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "preprof.h"

#define HOLD_NS   30000000
#define NAP_NS    50000000
#define STEP_NS   400000000
#define STEP_SIZE (32u << 20)
#define NOINLINE  __attribute__((noinline))
/* Keeps a call from being the last thing a function does. */
#define STAY() __asm__ volatile("")

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int turn; /* even: holder's; odd: waiter's */

static void pause_ns(long ns)
{
    const struct timespec time = {0, ns};

    nanosleep(&time, NULL);
}

static NOINLINE void spin_here(void)
{
    volatile uint64_t work = 0;

    for (;;)
        work = work + 1;
}

static NOINLINE void spin_for_nap(void)
{
    struct timespec begun, now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - begun.tv_sec) * 1000000000 + now.tv_nsec -
               begun.tv_nsec <
           NAP_NS);
}

static NOINLINE void give_back(void)
{
    pthread_mutex_unlock(&mutex);
    STAY();
}

static NOINLINE void wait_here(void)
{
    pthread_mutex_lock(&mutex);
    STAY();
}

static void *spin(void *unused)
{
    (void)unused;
    spin_here();
    return NULL;
}

static void *nap(void *unused)
{
    (void)unused;
    if (preprof_set_label("job", "nap") != 0)
        exit(1);
    for (;;) {
        spin_for_nap();
        pause_ns(NAP_NS);
    }
    return NULL;
}

static void *hold(void *unused)
{
    (void)unused;
    for (;;) {
        while (turn % 2)
            pause_ns(1000000);
        pthread_mutex_lock(&mutex);
        turn++;
        pause_ns(HOLD_NS);
        give_back();
    }
    return NULL;
}

static void *wait_for_it(void *unused)
{
    (void)unused;
    if (preprof_set_label("queue", "\"7\"") != 0 ||
        preprof_set_label("job", "wait") != 0)
        exit(1);
    for (;;) {
        while (turn % 2 == 0)
            pause_ns(100000);
        wait_here();
        pthread_mutex_unlock(&mutex);
        turn++;
    }
    return NULL;
}

static void start(const char *name, void *run(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, NULL) != 0)
        exit(1);
    pthread_setname_np(thread, name);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 60;

    start("spinner", spin);
    start("napper", nap);
    start("holder", hold);
    start("waiter", wait_for_it);
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < seconds * 1e9 / STEP_NS; i += 2) {
        char *block = malloc(STEP_SIZE);

        if (!block)
            return 1;
        memset(block, 1, STEP_SIZE);
        pause_ns(STEP_NS);
        free(block);
        pause_ns(STEP_NS);
    }
    return 0;
}
