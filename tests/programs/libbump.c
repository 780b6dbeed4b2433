/* SPDX-License-Identifier: MIT */
/*
 * libbump.c - an allocator that a signal handler may call: one atomic add per
 * block, out of one arena, nothing ever given back. Preloaded behind the shim,
 * so that a handler that allocates tests the shim and not the allocator.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ARENA_SIZE ((size_t)1 << 29)
#include "arena.h"

static void *allocate(size_t alignment, size_t size)
{
    return arena_cut(alignment, size);
}

#include "exported.h" /* the arena is zero and never used again */

size_t malloc_usable_size(void *block)
{
    return block ? arena_size_of(block) : 0;
}

void free(void *block)
{
    (void)block;
}

void *realloc(void *block, size_t size)
{
    void *next = BUILT_ON(16, size);
    size_t old = block ? arena_size_of(block) : 0;

    if (next && block)
        memcpy(next, block, old < size ? old : size);
    return next;
}
