/* SPDX-License-Identifier: MIT */
/* rounds.c - see rounds.h. */
#include "rounds.h"

#include <time.h>
#include <unistd.h>

static struct timespec time_after(unsigned ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return until;
}

static void *run(void *data)
{
    struct rounds *rounds = data;

    pthread_mutex_lock(&rounds->lock);
    while (!rounds->ending && getppid() == rounds->parent) {
        struct timespec until;

        pthread_mutex_unlock(&rounds->lock);
        until = time_after(rounds->make(rounds->data));
        pthread_mutex_lock(&rounds->lock);
        if (!rounds->ending)
            (void)pthread_cond_timedwait(&rounds->wake, &rounds->lock, &until);
    }
    pthread_mutex_unlock(&rounds->lock);
    return NULL;
}

static void destroy(struct rounds *rounds)
{
    pthread_cond_destroy(&rounds->wake);
    pthread_mutex_destroy(&rounds->lock);
}

int rounds_begin(struct rounds *rounds, rounds_make *make, void *data)
{
    pthread_condattr_t by_monotonic;
    int err;

    rounds->make = make;
    rounds->data = data;
    rounds->parent = getppid();
    pthread_mutex_init(&rounds->lock, NULL);
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&rounds->wake, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
    err = pthread_create(&rounds->thread, NULL, run, rounds);
    if (err)
        destroy(rounds);
    rounds->runs = err == 0;
    return -err;
}

void rounds_end(struct rounds *rounds)
{
    if (!rounds->runs)
        return;
    pthread_mutex_lock(&rounds->lock);
    rounds->ending = true;
    pthread_cond_signal(&rounds->wake);
    pthread_mutex_unlock(&rounds->lock);
    pthread_join(rounds->thread, NULL);
    destroy(rounds);
    rounds->runs = false;
}
