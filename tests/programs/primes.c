/* SPDX-License-Identifier: MIT */
/*
 * primes.c - a program that allocates known numbers from known functions, asks
 * for its own MemStats in between, and frees everything.
 *
 *   keep()  101 blocks of 1009 bytes, alive until the end
 *   churn() 5003 pairs of 37 bytes
 *   grow()  one block through realloc, 211 times
 *
 * Prints "HEAPALLOC bytes HEAPOBJECTS n" before and after, or why not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprof.h"

static void *kept[101];

static __attribute__((noinline)) void keep(void)
{
    for (int i = 0; i < 101; i++)
        kept[i] = malloc(1009);
}

static __attribute__((noinline)) void churn(void)
{
    for (int i = 0; i < 5003; i++) {
        void *volatile block = malloc(37);
        free(block);
    }
}

static __attribute__((noinline)) void grow(void)
{
    void *block = NULL;

    for (size_t i = 1; i <= 211; i++)
        block = realloc(block, i * 113);
    free(block);
}

static struct preprof_memstats report(const char *when)
{
    struct preprof_memstats stats;
    int err = preprof_read_memstats(&stats);

    if (err) {
        fprintf(stderr, "primes: %s: %s\n", when, strerror(-err));
        exit(3);
    }
    return stats;
}

int main(void)
{
    struct preprof_memstats before = report("before"), middle, after;

    keep();
    churn();
    grow();
    middle = report("middle");
    for (int i = 0; i < 101; i++)
        free(kept[i]);
    after = report("after");
    printf("mallocs %llu inuse %llu objects %llu left %lld identity %lld\n",
           (unsigned long long)(middle.Mallocs - before.Mallocs),
           (unsigned long long)(middle.HeapAlloc - before.HeapAlloc),
           (unsigned long long)(middle.HeapObjects - before.HeapObjects),
           (long long)(after.HeapAlloc - before.HeapAlloc),
           (long long)(after.Sys - after.HeapSys - after.StackSys -
                       after.BuckHashSys - after.OtherSys));
    return 0;
}
