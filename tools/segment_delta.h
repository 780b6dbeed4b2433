/* SPDX-License-Identifier: MIT */
/*
 * segment_delta.h - what was counted since a client looked last.
 *
 * A cursor is a client's place in one kind of counts of one process: the totals
 * it saw, by callsite id, which means the same stack as long as the process
 * counts into the same file. Bounded in number and in memory; the cursor that
 * was not used for longest gives way, and its client begins anew. Must never
 * subtract counts of two processes: a program that was started again, or became
 * another by exec, is a new one. Read next: segment_read.h.
 */
#ifndef PREPROF_SEGMENT_DELTA_H
#define PREPROF_SEGMENT_DELTA_H

#include "segment_read.h"

#define SEGMENT_DELTAS_MAX      1024
#define SEGMENT_DELTAS_SIZE_MAX (256u << 20) /* bytes of all their totals */
#define SEGMENT_CLIENT_MAX      255          /* bytes of a client's name */

struct segment_deltas;

/* NULL when memory is short. */
struct segment_deltas *segment_deltas_new(void);
void segment_deltas_free(struct segment_deltas *deltas);

/*
 * Leaves of the counts of `event`, or of allocations with SEGMENT_EVENT_NONE,
 * those that are new since the last call for the same client, event and
 * process, and what is in use as it is. *since_ns is when that call's snapshot
 * was taken. At the first call everything becomes 0, *since_ns too. What the
 * snapshot sums up over all callsites stays. `client` has at most
 * SEGMENT_CLIENT_MAX bytes. Returns 0, or -ENOMEM and the snapshot as it was.
 */
int segment_delta(struct segment_deltas *deltas,
                  struct segment_snapshot *snapshot, enum segment_event event,
                  const char *client, uint64_t *since_ns);

#endif
