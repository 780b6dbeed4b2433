/* SPDX-License-Identifier: MIT */
/*
 * segment_copy.h - a copy of a segment's file that belongs together, though the
 * process that owns it counts on.
 *
 * Where things are in the file is checked, and what they say is not. Must never
 * be used but by segment_read.c, which makes a sound snapshot of it.
 * Read next: segment_extents.h, segment_read.h.
 */
#ifndef PREPROF_SEGMENT_COPY_H
#define PREPROF_SEGMENT_COPY_H

#include <stdint.h>

#include "segment_error.h"
#include "segment_extents.h"
#include "segment_read.h"
#include "segment_values.h"

struct segment_copy {
    struct segment_snapshot *snapshot; /* the caller's, zeroed: filled, but for
                                          life, values, total and losses */
    struct segment_extents extents;
    struct segment_sum *sums; /* by callsite; the first is not used. To be
                                 freed, also after a failure */
};

/* Reads the parts of a file of this size into *copy, in which all but the
 * snapshot is zero. Returns 0 or -errno with *error set. */
int segment_copy(int fd, uint64_t file_size, enum segment_parts parts,
                 struct segment_copy *copy, struct segment_error *error);

#endif
