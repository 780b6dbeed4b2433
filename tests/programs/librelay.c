/* SPDX-License-Identifier: MIT */
/*
 * librelay.c - an allocator that hands out next what was given back last, and
 * whose realloc() always moves. Before free() or realloc() returns it calls
 * relay_given_back(), where the program has set it: another thread can take the
 * address then, as it can at that moment with any allocator, and nearly never
 * does. Preloaded behind the shim, for stress.c.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ARENA_SIZE ((size_t)1 << 26)
#include "arena.h"

extern void (*relay_given_back)(void);
void (*relay_given_back)(void);

static void *last; /* what was given back, or NULL */

static void *allocate(size_t alignment, size_t size)
{
    void *block = __atomic_exchange_n(&last, NULL, __ATOMIC_ACQ_REL);

    if (!block || alignment > 16 || arena_size_of(block) < size)
        return arena_cut(alignment, size);
    memset(block, 0, size);
    return block;
}

#include "exported.h"

size_t malloc_usable_size(void *block)
{
    return block ? arena_size_of(block) : 0;
}

static void give_back(void *block)
{
    __atomic_store_n(&last, block, __ATOMIC_RELEASE);
    if (relay_given_back)
        relay_given_back();
}

void free(void *block)
{
    if (block)
        give_back(block);
}

static void *move(void *block, size_t size)
{
    void *next = arena_cut(16, size);
    size_t old = arena_size_of(block);

    if (next) {
        memcpy(next, block, old < size ? old : size);
        give_back(block);
    }
    return next;
}

void *realloc(void *block, size_t size)
{
    return block ? move(block, size) : allocate(16, size);
}
