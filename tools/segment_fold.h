/* SPDX-License-Identifier: MIT */
/*
 * segment_fold.h - fewer stacks, for readers that take only so many.
 *
 * Moves the counts of the smallest callsites of a snapshot to one named sink,
 * so that sums stay. Scrapers subtract one profile from the next: therefore a
 * callsite that was shown once is always shown, one that was folded always
 * folded, and what is folded never shrinks. That memory is kept for the last
 * SEGMENT_FOLDS_MAX sets of a process, counts and a limit; when it is lost, one
 * difference is wrong. Read next: segment_read.h.
 */
#ifndef PREPROF_SEGMENT_FOLD_H
#define PREPROF_SEGMENT_FOLD_H

#include "segment_read.h"

#define SEGMENT_FOLDS_MAX 64

struct segment_folds;

/* NULL when memory is short. */
struct segment_folds *segment_folds_new(void);
void segment_folds_free(struct segment_folds *folds);

/* Of the counts of `event`, or of allocations with SEGMENT_EVENT_NONE: leaves
 * the values of at most `limit` callsites and sinks, or
 * SEGMENT_SINK_COUNT where that is more, because sinks are never folded.
 * Returns 0, or -ENOMEM and the snapshot as it was. */
int segment_fold(struct segment_folds *folds, struct segment_snapshot *snapshot,
                 enum segment_event event, uint32_t limit);

#endif
