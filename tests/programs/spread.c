/* SPDX-License-Identifier: MIT */
/*
 * spread.c [LEVELS [DEPTH [MIB [PARTS]]]] - allocates from very many stacks.
 *
 * 2^LEVELS blocks of 37 bytes, each from a stack of its own: LEVELS outer
 * frames whose return addresses spell its number, then DEPTH frames of one
 * recursion, so that hardly a frame is shared. Every second one is freed, and
 * so is a block of MIB MiB that is touched before. Prints nothing; the status
 * is 1 when an allocation failed.
 *
 * With PARTS, it allocates the first of so many parts, then for every line of
 * input what it has and the next part, and says "ready" each time.
 */
#include <stdio.h>
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

static void spread(unsigned count, unsigned levels, unsigned depth)
{
    for (unsigned number = 0; number < count; number++)
        spell(number, levels, depth);
}

static void spread_parts(unsigned parts, unsigned levels, unsigned depth)
{
    char line[16];
    unsigned part = 0;

    do {
        part += part < parts;
        spread((1u << levels) / parts * part, levels, depth);
        puts("ready");
        fflush(stdout);
    } while (fgets(line, sizeof(line), stdin));
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
    if (argc > 4 && atoi(argv[4]) > 0)
        spread_parts((unsigned)atoi(argv[4]), levels, depth);
    else
        spread(1u << levels, levels, depth);
    return failed;
}
