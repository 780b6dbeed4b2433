/* SPDX-License-Identifier: MIT */
/*
 * created.c - created COUNT [shy]: so many threads that end at once and are
 * joined, as many that are detached, then "outer", which creates "inner", and
 * "c11", which stay. Says "ready NS", how long a joined one took. With shy it
 * is not dumpable.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static sem_t begun;

static void *end(void *unused)
{
    return unused;
}

static _Noreturn void rest(const char *name)
{
    prctl(PR_SET_NAME, name);
    sem_post(&begun);
    for (;;)
        pause();
}

static void *stay(void *name)
{
    rest(name);
}

static int stay_c11(void *name)
{
    rest(name);
}

static void check(int error)
{
    if (error)
        exit(1);
}

__attribute__((noinline)) static void create_inner(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, stay, "inner");

    check(error);
}

static void *outer(void *name)
{
    create_inner();
    rest(name);
}

__attribute__((noinline)) static void create_outer(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, outer, "outer");

    check(error);
}

__attribute__((noinline)) static void create_c11(void)
{
    thrd_t thread;
    int result = thrd_create(&thread, stay_c11, "c11");

    check(result != thrd_success);
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 0;
    double began = now_ns(), took;
    pthread_attr_t detached;
    pthread_t thread;

    for (int i = 0; i < count; i++) {
        check(pthread_create(&thread, NULL, end, NULL));
        pthread_join(thread, NULL);
    }
    took = (now_ns() - began) / (count ? count : 1);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < count; i++)
        while (pthread_create(&thread, &detached, end, NULL))
            sched_yield(); /* too many at once */
    sem_init(&begun, 0, 0);
    create_outer();
    create_c11();
    for (int i = 0; i < 3; i++)
        while (sem_wait(&begun))
            continue;
    if (argc > 2)
        prctl(PR_SET_DUMPABLE, 0);
    printf("ready %.0f\n", took);
    fflush(stdout);
    pause();
    return 0;
}
