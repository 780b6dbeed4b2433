/* SPDX-License-Identifier: MIT */
/*
 * orders.c - does what it is told on stdin, a line each, and answers "done".
 *
 *   alloc N   N blocks of 24 bytes, from order_blocks()
 *   free N    the N oldest of them
 *   thread    starts a thread, which waits in wait_here()
 *   join      and ends it
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 100000

static void *blocks[BLOCKS_MAX];
static int first, next;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int ending;

__attribute__((noinline)) static void order_blocks(int count)
{
    while (count-- > 0 && next < BLOCKS_MAX)
        blocks[next++] = malloc(24);
}

__attribute__((noinline)) static void *wait_here(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!ending)
        pthread_cond_wait(&wake, &lock);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void obey(const char *order, int count)
{
    if (strcmp(order, "alloc") == 0) {
        order_blocks(count);
    } else if (strcmp(order, "free") == 0) {
        while (count-- > 0 && first < next)
            free(blocks[first++]);
    } else if (strcmp(order, "thread") == 0) {
        pthread_create(&thread, NULL, wait_here, NULL);
    } else if (strcmp(order, "join") == 0) {
        pthread_mutex_lock(&lock);
        ending = 1;
        pthread_cond_signal(&wake);
        pthread_mutex_unlock(&lock);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    char line[64], order[16];
    int count;

    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        count = 0;
        if (sscanf(line, "%15s %d", order, &count) >= 1)
            obey(order, count);
        puts("done");
        fflush(stdout);
    }
    return 0;
}
