/* SPDX-License-Identifier: MIT */
/*
 * workers.c THREADS BLOCKS STACKS - threads that allocate, in known numbers.
 *
 * THREADS at a time, each allocates BLOCKS blocks of 37 bytes from STACKS
 * stacks in turn, and waits until all have. Then prints "resident KIB", the
 * memory of the process, and each thread frees the blocks of its neighbour.
 * Last of all main ends itself alone, and the threads end the process: by then
 * each has allocated one more block, which stays.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int threads, blocks, stacks;
static void **kept; /* threads * blocks */
static pthread_barrier_t all_allocated, printed, main_leaves;

/* The bits of `number` are the return addresses below here. */
static __attribute__((noinline)) void *allocate(int number, int depth)
{
    void *block;

    if (depth == 0)
        return malloc(37);
    if (number & 1) {
        block = allocate(number >> 1, depth - 1);
        __asm__ volatile("/* odd */" : "+r"(block)); /* another address */
    } else {
        block = allocate(number >> 1, depth - 1);
        __asm__ volatile("/* even */" : "+r"(block));
    }
    return block;
}

static void *work(void *argument)
{
    int self = (int)(intptr_t)argument, neighbour = (self + 1) % threads;

    for (int i = 0; i < blocks; i++)
        kept[self * blocks + i] = allocate(i % stacks, 12);
    pthread_barrier_wait(&all_allocated);
    pthread_barrier_wait(&printed);
    for (int i = 0; i < blocks; i++)
        free(kept[neighbour * blocks + i]);
    pthread_barrier_wait(&main_leaves);
    return allocate(0, 12);
}

/* The stacks of the threads are the same with and without a shim. */
static void print_resident(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");

    if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
        abort();
    fclose(statm);
    printf("resident %ld\n", pages * (sysconf(_SC_PAGESIZE) / 1024));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (argc != 4)
        return 2;
    threads = atoi(argv[1]);
    blocks = atoi(argv[2]);
    stacks = atoi(argv[3]);
    kept = calloc((size_t)threads * (size_t)blocks, sizeof(*kept));
    if (!kept)
        return 1;
    pthread_barrier_init(&all_allocated, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&printed, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&main_leaves, NULL, (unsigned)threads + 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread, &attributes, work, (void *)(intptr_t)i)) {
            perror("workers: pthread_create");
            return 1;
        }
    pthread_barrier_wait(&all_allocated);
    print_resident();
    pthread_barrier_wait(&printed);
    pthread_barrier_wait(&main_leaves);
    pthread_exit(NULL);
}
