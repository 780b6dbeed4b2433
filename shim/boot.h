/* SPDX-License-Identifier: MIT */
/*
 * boot.h - memory for allocations made while the next allocator is looked up.
 *
 * A small static arena that only grows until it is closed. Its blocks are never
 * given to the real allocator: every function that takes a block asks
 * boot_owns() first, unless the arena was closed unused (hazards A1, A5), as it
 * nearly always is. Read next: real.h.
 */
#ifndef PREPROF_BOOT_H
#define PREPROF_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"

#define BOOT_ARENA_SIZE 32768u

extern HIDDEN char boot_arena[BOOT_ARENA_SIZE];

static ALWAYS_INLINE bool boot_owns(const void *block)
{
    return (uintptr_t)block - (uintptr_t)boot_arena < BOOT_ARENA_SIZE;
}

/* Zeroed memory at a power-of-two alignment, or NULL with ENOMEM's meaning
 * when the arena is used up. Threads: any. Never freed. */
void *boot_alloc(size_t alignment, size_t size);

/* Ends boot_alloc(): none succeeds after this. Returns whether one may have; a
 * second call always says so. Threads: any. */
bool boot_close(void);
bool boot_is_closed(void);

/* The size asked for a block of the arena. */
size_t boot_size(const void *block);

#endif
