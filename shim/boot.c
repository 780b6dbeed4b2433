/* SPDX-License-Identifier: MIT */
/*
 * boot.c - see boot.h.
 *
 * Layout of the arena: [size][block] [size][block] ... each block aligned as
 * asked, its size in the word in front of it. `used` only grows, by the worst
 * case for the alignment, until it is CLOSED. That takes its place in one
 * exchange: whoever reserved before is seen, and nobody does after.
 */
#include "boot.h"

#include <stdint.h>

#include "reserve.h"

CACHE_ALIGNED char boot_arena[BOOT_ARENA_SIZE];
static uint32_t used;
#define CLOSED UINT32_MAX /* more than any limit: reserve() finds no room */

void *boot_alloc(size_t alignment, size_t size)
{
    uint32_t start;
    size_t room;
    uintptr_t block;

    if (alignment < 16)
        alignment = 16;
    if (size > BOOT_ARENA_SIZE || alignment > BOOT_ARENA_SIZE)
        return NULL;
    room = sizeof(size_t) + alignment + ((size + 15) & ~(size_t)15);
    start = reserve(&used, (uint32_t)room, BOOT_ARENA_SIZE);
    if (start == RESERVE_NONE)
        return NULL;
    block = ((uintptr_t)boot_arena + start + sizeof(size_t) + alignment - 1) &
            ~(alignment - 1);
    ((size_t *)block)[-1] = size;
    return (void *)block;
}

bool boot_close(void)
{
    uint32_t before = __atomic_exchange_n(&used, CLOSED, __ATOMIC_ACQ_REL);

    return before != 0;
}

bool boot_is_closed(void)
{
    return __atomic_load_n(&used, __ATOMIC_ACQUIRE) == CLOSED;
}

size_t boot_size(const void *block)
{
    return ((const size_t *)block)[-1];
}
