/* SPDX-License-Identifier: MIT */
/*
 * ends.c - allocates 31 blocks of 1009 bytes and ends as its argument says:
 * exit _exit _Exit quick_exit return pthread_exit abort segv kill, with status
 * 5 where there is a choice. "threads" leaves 50 threads alive at exit; "oom"
 * touches blocks of 1 MiB, a dot for each, until it is killed or there is none.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS       50
#define MEBIBYTES_MAX 2000

static void *volatile kept[31];
static unsigned ready;

static void *wait_for_ever(void *unused)
{
    free(malloc(37));
    __atomic_fetch_add(&ready, 1, __ATOMIC_RELEASE);
    for (;;)
        pause();
    return unused;
}

static void leave_threads(void)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
            exit(2);
    }
    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < THREADS)
        usleep(1000);
    exit(5);
}

static void take_all_memory(void)
{
    for (int i = 0; i < MEBIBYTES_MAX; i++) {
        char *volatile block = malloc(1 << 20);

        if (!block)
            abort();
        memset(block, 1, 1 << 20);
        if (write(1, ".", 1) != 1)
            return;
    }
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "return";

    for (int i = 0; i < 31; i++)
        kept[i] = malloc(1009);
    if (strcmp(how, "exit") == 0)
        exit(5);
    else if (strcmp(how, "_exit") == 0)
        _exit(5);
    else if (strcmp(how, "_Exit") == 0)
        _Exit(5);
    else if (strcmp(how, "quick_exit") == 0)
        quick_exit(5);
    else if (strcmp(how, "return") == 0)
        return 5;
    else if (strcmp(how, "pthread_exit") == 0)
        pthread_exit(NULL);
    else if (strcmp(how, "threads") == 0)
        leave_threads();
    else if (strcmp(how, "abort") == 0)
        abort();
    else if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    else if (strcmp(how, "kill") == 0)
        raise(SIGKILL);
    else if (strcmp(how, "oom") == 0)
        take_all_memory();
    fprintf(stderr, "ends: no way to end is called %s\n", how);
    return 2;
}
