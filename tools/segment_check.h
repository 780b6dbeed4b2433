/* SPDX-License-Identifier: MIT */
/*
 * segment_check.h - what must be true of the pieces of a segment before they
 * are used.
 *
 * Works on copies only, never on the file. Each function returns 0, or
 * -errno with *error naming the offset and the reason. Read next:
 * segment_read.h.
 */
#ifndef PREPROF_SEGMENT_CHECK_H
#define PREPROF_SEGMENT_CHECK_H

#include <stdint.h>

#include "segment.h"
#include "segment_error.h"
#include "segment_extents.h"

struct segment_snapshot;

/* Code addresses are below; the profile model uses those above for what has
 * none (address_space.h). */
#define SEGMENT_ADDRESS_MAX (UINT64_C(1) << 60)

/* Checks a header of a file of file_size bytes, and terminates its strings.
 * What a shorter file lacks of it is zero. */
int segment_check_header(struct segment_header *header, uint64_t file_size,
                         struct segment_error *error);

/* Checks all published modules of a snapshot. */
int segment_check_modules(const struct segment_snapshot *snapshot,
                          const struct segment_extents *extents,
                          struct segment_error *error);

/* Checks all published labels of a snapshot. */
int segment_check_labels(const struct segment_snapshot *snapshot,
                         const struct segment_extents *extents,
                         struct segment_error *error);

/*
 * Follows the stack of one callsite to the root and checks every node on it.
 * depths[] has a zeroed entry per node and keeps what is known, so that all
 * stacks together cost one visit per node. Returns 1 when a node or a label is
 * missing, which is what a process leaves that is killed in the middle of
 * extent_take().
 */
int segment_check_stack(const struct segment_snapshot *snapshot,
                        const struct segment_extents *extents,
                        uint32_t callsite, uint16_t *depths,
                        struct segment_error *error);

#endif
