/* SPDX-License-Identifier: MIT */
/*
 * larson.c - threads that replace random blocks in a set of their own, and
 * hand the set on to a new thread now and then, in the manner of Larson and
 * Krishnan's server benchmark: blocks are freed by other threads than those
 * that allocated them. Prints nanoseconds of CPU a replacement.
 * Usage: larson [THREADS [ROUNDS]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"

#define BLOCKS       4096
#define SIZE_MIN     10
#define SIZE_MAX_    500
#define REPLACEMENTS 200000

struct set {
    void *blocks[BLOCKS];
    uint64_t random;
    int rounds;
};

static uint32_t next_random(struct set *set)
{
    set->random = set->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(set->random >> 33);
}

static __attribute__((noinline)) void replace(struct set *set)
{
    uint32_t i = next_random(set) % BLOCKS;
    size_t size = SIZE_MIN + next_random(set) % (SIZE_MAX_ - SIZE_MIN);

    free(set->blocks[i]);
    set->blocks[i] = malloc(size);
}

static void *serve(void *argument)
{
    struct set *set = argument;
    pthread_t next;

    for (int i = 0; i < REPLACEMENTS; i++)
        replace(set);
    if (--set->rounds > 0) { /* the next thread inherits the blocks */
        if (pthread_create(&next, NULL, serve, set) != 0)
            abort();
        pthread_join(next, NULL);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2;
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    struct set *sets = calloc((size_t)threads, sizeof(*sets));
    pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
    double start = cpu_seconds();

    if (!sets || !ids)
        abort();
    for (int i = 0; i < threads; i++) {
        sets[i].random = (uint64_t)i + 1;
        sets[i].rounds = rounds;
        if (pthread_create(&ids[i], NULL, serve, &sets[i]) != 0)
            abort();
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    printf("%.2f ns a replacement\n",
           (cpu_seconds() - start) * 1e9 /
               ((double)threads * rounds * REPLACEMENTS));
    return 0;
}
