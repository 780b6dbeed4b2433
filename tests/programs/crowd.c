/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - crowd COUNT: so many threads that wait at the bottom of a stack of
 * ten frames, in three places by turns. Says "ready".
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static sem_t begun, never;

static void wait_somewhere(long place)
{
    static const struct timespec hour = {3600, 0};

    sem_post(&begun);
    if (place == 0)
        sem_wait(&never);
    else if (place == 1)
        poll(NULL, 0, -1);
    else
        nanosleep(&hour, NULL);
}

__attribute__((noinline)) static int descend(int depth, long place)
{
    if (depth == 0)
        wait_somewhere(place);
    else
        descend(depth - 1, place);
    __asm__ volatile(""); /* no tail call */
    return depth;
}

static void *run(void *place)
{
    descend(7, (long)place);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc == 2 ? atoi(argv[1]) : 0;

    sem_init(&begun, 0, 0);
    sem_init(&never, 0, 0);
    for (long i = 0; i < count; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, run, (void *)(i % 3)) != 0)
            return 1;
        sem_wait(&begun);
    }
    usleep(50000);
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
