/* SPDX-License-Identifier: MIT */
/* orphan.c - says "ready"; its main thread ends, another one stays. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *stay_behind(void *unused)
{
    for (;;)
        pause();
    return unused;
}

int main(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, stay_behind, NULL) != 0)
        return 1;
    printf("ready\n");
    fflush(stdout);
    pthread_exit(NULL);
}
