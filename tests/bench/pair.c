/* SPDX-License-Identifier: MIT */
/*
 * pair.c - one malloc and one free of 64 bytes, from ten frames deep.
 *
 * The floor of what an allocator and a profiler cost: everything is in the
 * first-level cache and every call comes from the same stack. Prints
 * nanoseconds of CPU a pair. Usage: pair [PAIRS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"

#define DEPTH 10

static __attribute__((noinline)) void pairs(long count)
{
    for (long i = 0; i < count; i++) {
        void *volatile block = malloc(64);
        free(block);
    }
}

static __attribute__((noinline)) void descend(int depth, long count)
{
    if (depth == 0)
        pairs(count);
    else
        descend(depth - 1, count);
    __asm__ volatile(""); /* no tail call: every frame stays */
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 20000000;
    double start = cpu_seconds();

    descend(DEPTH - 2, count); /* main and pairs are two of the ten */
    printf("%.2f ns a pair\n", (cpu_seconds() - start) * 1e9 / (double)count);
    return 0;
}
