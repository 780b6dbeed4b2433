/* SPDX-License-Identifier: MIT */
/*
 * segment_extents.h - a checked copy of a segment's extent table.
 *
 * Says which piece of which array is where in the file. Must never be used
 * before segment_extents_check() has passed. Read next: segment.h.
 */
#ifndef PREPROF_SEGMENT_EXTENTS_H
#define PREPROF_SEGMENT_EXTENTS_H

#include <stdint.h>

#include "segment.h"
#include "segment_error.h"

struct segment_extents {
    uint32_t count;
    uint64_t words[SEGMENT_EXTENTS_MAX];
};

/* Checks every entry, and that no piece is there twice. Returns 0 or -EINVAL
 * with *error set. */
int segment_extents_check(const struct segment_extents *extents,
                          struct segment_error *error);

/* Where extent `index` is in the file. */
static inline uint64_t segment_extent_offset(uint32_t index)
{
    return SEGMENT_EXTENTS_OFFSET + (uint64_t)index * SEGMENT_EXTENT_SIZE;
}

/* Bytes of one element of an array. */
uint32_t segment_element_size(enum segment_extent_type type);

/* How many elements an extent holds of an array that has `count`. */
uint32_t segment_extent_elements(uint64_t word, uint32_t count);

/* Where in the file an element is, for messages (not for counters, of which
 * there is one per shard). The table's offset when it is in no extent. */
uint64_t segment_element_offset(const struct segment_extents *extents,
                                enum segment_extent_type type,
                                uint32_t element);

#endif
