/* SPDX-License-Identifier: MIT */
/*
 * segment_values.h - from counters that may hold anything to values that make
 * sense: sums over shards, and what a callsite allocated, has, and had at the
 * peak.
 *
 * Pure arithmetic; must never read a file. Sums of counters stop at the top
 * instead of wrapping: no value is believed, but none may become small by being
 * absurd. Read next: segment.h (the peak), segment_read.h.
 */
#ifndef PREPROF_SEGMENT_VALUES_H
#define PREPROF_SEGMENT_VALUES_H

#include <stdint.h>

#include "segment.h"

/* Counters of a callsite, summed over all shards: never negative, inuse and
 * peak never above alloc, at most INT64_MAX, and no bytes without objects. */
struct segment_values {
    uint64_t alloc_objects;
    uint64_t alloc_space;
    uint64_t inuse_objects;
    uint64_t inuse_space;
    uint64_t peak_objects; /* in use when all callsites together had most */
    uint64_t peak_space;   /* bytes in use, within SEGMENT_PEAK_BOUND */
};

/* What the values are made of. */
struct segment_sum {
    struct segment_row row;
    struct segment_peak peak; /* signed, in two's complement */
};

static inline uint64_t segment_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* *sum += amount, at most UINT64_MAX. */
void segment_add(uint64_t *sum, uint64_t amount);

/* Parts of one row, which may be read one after the other. */
void segment_sum_add_frees(struct segment_sum *sum,
                           const struct segment_row *row);
void segment_sum_add_allocs(struct segment_sum *sum,
                            const struct segment_row *row);
/* `saved` is what the row has in `peaks`; NULL for one that is never saved. */
void segment_sum_add_peak(struct segment_sum *sum,
                          const struct segment_row *row,
                          const struct segment_peak *saved,
                          uint32_t peak_epoch);

void segment_sum_add(struct segment_sum *sum, const struct segment_sum *other);

struct segment_values segment_values_of(const struct segment_sum *sum);

/* Adds to a total, which is at most INT64_MAX too. */
void segment_values_add(struct segment_values *total,
                        const struct segment_values *values);

#endif
