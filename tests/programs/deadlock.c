/* SPDX-License-Identifier: MIT */
/*
 * deadlock.c - two threads, "left" and "right", that hold a mutex each and wait
 * for the other's; a third, "joiner", that waits for the end of left, and
 * "bystander", which waits for the mutex of right. Says "ready" and the tids,
 * left first.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t two = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static pthread_t left_thread;
static volatile int tids[4];

static void *left(void *unused)
{
    prctl(PR_SET_NAME, "left");
    tids[0] = gettid();
    pthread_mutex_lock(&one);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&two);
    return unused;
}

static void *right(void *unused)
{
    prctl(PR_SET_NAME, "right");
    tids[1] = gettid();
    pthread_mutex_lock(&two);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&one);
    return unused;
}

static void *joiner(void *unused)
{
    prctl(PR_SET_NAME, "joiner");
    tids[2] = gettid();
    pthread_join(left_thread, NULL);
    return unused;
}

static void *bystander(void *unused)
{
    prctl(PR_SET_NAME, "by]stander");
    tids[3] = gettid();
    pthread_mutex_lock(&two);
    return unused;
}

int main(void)
{
    pthread_t thread;

    pthread_barrier_init(&both, NULL, 2);
    if (pthread_create(&left_thread, NULL, left, NULL) ||
        pthread_create(&thread, NULL, right, NULL))
        return 1;
    usleep(100000);
    if (pthread_create(&thread, NULL, joiner, NULL) ||
        pthread_create(&thread, NULL, bystander, NULL))
        return 1;
    for (int i = 0; i < 4; i++)
        while (!tids[i])
            usleep(1000);
    printf("ready %d %d %d %d\n", tids[0], tids[1], tids[2], tids[3]);
    fflush(stdout);
    for (;;)
        pause();
}
