/* SPDX-License-Identifier: MIT */
/*
 * arena.h - blocks cut out of one arena of ARENA_SIZE bytes, for allocators of
 * tests: one atomic add per block, so that a signal handler may do it. Each has
 * its size in front of it, and is zero.
 */
#ifndef TESTS_ARENA_H
#define TESTS_ARENA_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

static char arena[ARENA_SIZE] __attribute__((aligned(64)));
static size_t arena_used;

static inline size_t arena_size_of(const void *block)
{
    return ((const size_t *)block)[-1];
}

/* A block of at least `size` bytes, or NULL and ENOMEM. */
static inline void *arena_cut(size_t alignment, size_t size)
{
    size_t room, start;
    uintptr_t block;

    if (alignment < 16)
        alignment = 16;
    size = (size + 15) & ~(size_t)15;
    room = size + alignment + 16;
    if (size > ARENA_SIZE || alignment > ARENA_SIZE ||
        (start = __atomic_fetch_add(&arena_used, room, __ATOMIC_RELAXED)) >
            ARENA_SIZE - room) {
        errno = ENOMEM;
        return NULL;
    }
    block = ((uintptr_t)arena + start + 16 + alignment - 1) & ~(alignment - 1);
    ((size_t *)block)[-1] = size;
    return (void *)block;
}

#endif
