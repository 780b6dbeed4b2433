/* SPDX-License-Identifier: MIT */
/*
 * holes.c - a program whose segments lie far apart, as node's do: its unwind
 * tables are in another segment than its code. Argument: blocks to allocate.
 *
 * FLAGS: -no-pie -Wl,-z,noseparate-code -Wl,--section-start=.text=0x10000000
 */
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static void *descend(int depth)
{
    void *block = depth > 0 ? descend(depth - 1) : malloc(16);

    __asm__ volatile("" ::: "memory");
    return block;
}

int main(int argc, char **argv)
{
    int blocks = argc > 1 ? atoi(argv[1]) : 1000;

    for (int i = 0; i < blocks; i++)
        free(descend(i % 20));
    puts("done");
    return 0;
}
