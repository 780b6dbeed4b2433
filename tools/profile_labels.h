/* SPDX-License-Identifier: MIT */
/*
 * profile_labels.h - the labels of a segment, as a profile has them.
 *
 * Each set becomes one of the profile's at its first use. Read next: profile.h,
 * segment_read.h.
 */
#ifndef PREPROF_PROFILE_LABELS_H
#define PREPROF_PROFILE_LABELS_H

#include <stdint.h>

#include "profile_build.h"
#include "segment_read.h"

struct profile_labels {
    const struct segment_snapshot *snapshot;
    uint32_t *sets; /* by label: index + 1 of the set that ends with it */
};

/* Returns 0, or -ENOMEM. The snapshot is needed until the end. */
int profile_labels_begin(struct profile_labels *labels,
                         const struct segment_snapshot *snapshot);
void profile_labels_end(struct profile_labels *labels);

/* The profile's set for one of the segment, which is published, or 0; index +
 * 1, or 0 for none and when memory is short. */
uint32_t profile_labels_set(struct profile_labels *labels,
                            struct profile_builder *builder, uint32_t set);

#endif
