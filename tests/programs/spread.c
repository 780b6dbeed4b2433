/* SPDX-License-Identifier: MIT */
/*
 * spread.c [LEVELS [DEPTH [MIB]]] - allocates from very many stacks.
 *
 * 2^LEVELS blocks of 37 bytes, each from a stack of its own: LEVELS outer
 * frames whose return addresses spell its number, then DEPTH frames of one
 * recursion, so that hardly a frame is shared. Every second one is freed, and
 * so is a block of MIB MiB that is touched before. Prints nothing; the status
 * is 1 when an allocation failed.
 */
#include <stdlib.h>
#include <string.h>

static char *volatile kept;
static int failed;

/* Keeps the call before it from becoming a jump, or one with another's. */
#define RETURN_HERE(name) __asm__ volatile("/* " #name " */")

static __attribute__((noinline)) void descend(unsigned number, unsigned depth)
{
    if (depth > 0) {
        descend(number, depth - 1);
    } else {
        kept = malloc(37);
        failed |= !kept;
        if (number % 2)
            free(kept);
    }
    RETURN_HERE(down);
}

static __attribute__((noinline)) void spell(unsigned number, unsigned levels,
                                            unsigned depth)
{
    if (levels == 0) {
        descend(number, depth);
        RETURN_HERE(end);
    } else if ((number >> (levels - 1)) & 1) {
        spell(number, levels - 1, depth);
        RETURN_HERE(one);
    } else {
        spell(number, levels - 1, depth);
        RETURN_HERE(zero);
    }
}

int main(int argc, char **argv)
{
    unsigned levels = argc > 1 ? (unsigned)atoi(argv[1]) : 10;
    unsigned depth = argc > 2 ? (unsigned)atoi(argv[2]) : 10;
    size_t large = argc > 3 ? (size_t)atoi(argv[3]) << 20 : 0;
    char *block = malloc(large);

    failed |= !block;
    if (block)
        memset(block, 1, large);
    free(block);
    for (unsigned number = 0; number < 1u << levels; number++)
        spell(number, levels, depth);
    return failed;
}
