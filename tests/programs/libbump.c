/* SPDX-License-Identifier: MIT */
/*
 * libbump.c - an allocator that a signal handler may call: one atomic add per
 * block, out of one arena, nothing ever given back. Preloaded behind the shim,
 * so that a handler that allocates tests the shim and not the allocator.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARENA_SIZE ((size_t)1 << 29)

static char arena[ARENA_SIZE] __attribute__((aligned(64)));
static size_t used;

static void *allocate(size_t alignment, size_t size)
{
    size_t room, start;
    uintptr_t block;

    if (alignment < 16)
        alignment = 16;
    size = (size + 15) & ~(size_t)15;
    room = size + alignment + 16;
    if (size > ARENA_SIZE || alignment > ARENA_SIZE ||
        (start = __atomic_fetch_add(&used, room, __ATOMIC_RELAXED)) >
            ARENA_SIZE - room) {
        errno = ENOMEM;
        return NULL;
    }
    block = ((uintptr_t)arena + start + 16 + alignment - 1) & ~(alignment - 1);
    ((size_t *)block)[-1] = size;
    return (void *)block;
}

#include "exported.h" /* the arena is zero and never used again */

size_t malloc_usable_size(void *block)
{
    return block ? ((size_t *)block)[-1] : 0;
}

void free(void *block)
{
    (void)block;
}

void *realloc(void *block, size_t size)
{
    void *next = BUILT_ON(16, size);
    size_t old = block ? ((size_t *)block)[-1] : 0;

    if (next && block)
        memcpy(next, block, old < size ? old : size);
    return next;
}
