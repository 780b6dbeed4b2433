/* SPDX-License-Identifier: MIT */
/*
 * reserve.h - taking the next numbers of a table that only grows.
 *
 * Used for ids, slots, extents and bytes alike. Relaxed: the number is the
 * caller's alone, and what is written under it is published by other means.
 */
#ifndef PREPROF_RESERVE_H
#define PREPROF_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#define RESERVE_NONE UINT32_MAX

/* Moves *used up by `amount`, to at most `limit`, and returns where it stood;
 * RESERVE_NONE, and *used untouched, when there is no room. Threads: any.
 * Async-signal-safe. */
static inline uint32_t reserve(uint32_t *used, uint32_t amount, uint32_t limit)
{
    uint32_t first = __atomic_load_n(used, __ATOMIC_RELAXED);

    do {
        if (amount > limit || first > limit - amount)
            return RESERVE_NONE;
    } while (!__atomic_compare_exchange_n(used, &first, first + amount, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return first;
}

#endif
