/* SPDX-License-Identifier: MIT */
/*
 * ownmalloc.c - a program with an allocator of its own, which works only after
 * its constructor ran: an earlier call is counted and gets NULL. Nothing of
 * the program may be called to find out what it is.
 *
 * Prints "early N calls N"; the status is 0 when malloc gave what it should.
 * With an argument it waits for the end of its input first.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *arena;
static size_t used;
static unsigned early, calls;
static _Alignas(16) char memory[1 << 20];

__attribute__((constructor)) static void open_arena(void)
{
    arena = memory;
}

void *malloc(size_t size)
{
    size_t start = used;

    calls++;
    early += !arena;
    if (!arena || size > sizeof(memory) - used - 16) {
        errno = ENOMEM;
        return NULL;
    }
    used += (size + 31) & ~(size_t)15;
    memcpy(arena + start, &size, sizeof(size));
    return arena + start + 16;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* never used before: still zero */
}

void *realloc(void *old, size_t size)
{
    void *block = malloc(size);

    if (block && old)
        memcpy(block, old, *(size_t *)(void *)((char *)old - 16));
    return block;
}

int main(int argc, char **argv)
{
    char *block = malloc(1009);
    int good = block > memory && block < memory + sizeof(memory);

    (void)argv;
    printf("early %u calls %u\n", early, calls);
    fflush(stdout);
    while (argc > 1 && getchar() != EOF)
        ;
    return !good;
}
