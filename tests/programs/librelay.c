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
#include <stdint.h>
#include <string.h>

#define ARENA_SIZE ((size_t)1 << 26)

extern void (*relay_given_back)(void);
void (*relay_given_back)(void);

static char arena[ARENA_SIZE] __attribute__((aligned(64)));
static size_t used;
static void *last; /* what was given back, or NULL */

static size_t *size_of(void *block)
{
    return &((size_t *)block)[-1];
}

static void *cut(size_t alignment, size_t size)
{
    size_t room = size + alignment + 16, start;
    uintptr_t block;

    if (size > ARENA_SIZE || alignment > ARENA_SIZE ||
        (start = __atomic_fetch_add(&used, room, __ATOMIC_RELAXED)) >
            ARENA_SIZE - room) {
        errno = ENOMEM;
        return NULL;
    }
    block = ((uintptr_t)arena + start + 16 + alignment - 1) & ~(alignment - 1);
    *size_of((void *)block) = size;
    return (void *)block;
}

static void *allocate(size_t alignment, size_t size)
{
    void *block = __atomic_exchange_n(&last, NULL, __ATOMIC_ACQ_REL);

    size = (size + 15) & ~(size_t)15;
    if (!block || alignment > 16 || *size_of(block) < size)
        return cut(alignment < 16 ? 16 : alignment, size);
    memset(block, 0, size);
    return block;
}

#include "exported.h"

size_t malloc_usable_size(void *block)
{
    return block ? *size_of(block) : 0;
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
    void *next = cut(16, (size + 15) & ~(size_t)15);
    size_t old = *size_of(block);

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
