/* SPDX-License-Identifier: MIT */
/*
 * threads_take.c - threads_take PID COUNT: takes so many dumps of a process's
 * threads and says "threads N cut M ms X": of the last one how many threads and
 * how many cut stacks, and how long one took in the mean. Then of each thread
 * "stack TID ADDRESS...", leaf first, and for cut ones "cut TID NAME WHY".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thread_dump.h"

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void print_thread(const struct thread *thread)
{
    printf("stack %d", (int)thread->tid);
    for (size_t i = 0; i < thread->depth; i++)
        printf(" %#" PRIx64, thread->addresses[i]);
    putchar('\n');
    if (thread->cut)
        printf("cut %d %s %s\n", (int)thread->tid, thread->name, thread->cut);
}

int main(int argc, char **argv)
{
    int count = argc == 3 ? atoi(argv[2]) : 0;
    struct thread_dump *dump = NULL;
    double start = now_ms();
    size_t cut = 0;

    if (count <= 0)
        return 2;
    for (int i = 0; i < count; i++) {
        int err;

        thread_dump_free(dump);
        dump = NULL;
        err = thread_dump_take(atoi(argv[1]), &dump);
        if (err) {
            fprintf(stderr, "threads_take: %s\n", strerror(-err));
            return 1;
        }
    }
    for (size_t i = 0; i < dump->count; i++)
        cut += dump->threads[i].cut != NULL;
    printf("threads %zu cut %zu ms %.2f\n", dump->count, cut,
           (now_ms() - start) / count);
    for (size_t i = 0; i < dump->count; i++)
        print_thread(&dump->threads[i]);
    thread_dump_free(dump);
    return 0;
}
