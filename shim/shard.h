/* SPDX-License-Identifier: MIT */
/*
 * shard.h - counters that no two threads write.
 *
 * Every shard has its own row per callsite; the value is the sum over shards.
 * A thread owns one shard from its first recording until the kernel forgets
 * its id; there is no exit hook, because frees come after every such hook
 * (hazards B4). A newcomer takes over the shard of a thread that is gone, with
 * its counts. When all are owned, and in another process that shares the
 * memory, threads use shard 0 with locked adds.
 *
 * Shard states: 0 (never owned) -> tid -> tid of the next owner ..., by
 * compare-and-swap on `owner`, acquire-release so that the new owner's plain
 * adds come after the last ones of the old owner, whose death the kernel
 * reported.
 *
 * Invariant: every callsite id that callsite.h publishes has a row in shard 0
 * (shard_prepare), so a count always finds a place: own row, else shard 0's.
 * Read next: counter.h, callsite.h.
 */
#ifndef PREPROF_SHARD_H
#define PREPROF_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "counter.h"
#include "segment.h"

struct tracer;

#define SHARD_ROW_EXTENTS (SEGMENT_CALLSITES_MAX / SEGMENT_ROWS_PER_EXTENT)

struct shard {
    uint32_t owner; /* tid, or 0 */
    uint32_t index;
    bool shared; /* shard 0: adds are locked */
    struct segment_row *rows[SHARD_ROW_EXTENTS];
    /* callsite.c, by the owner while it is busy: */
    struct tracer *tracer; /* NULL until it has walked much */
    uint32_t untraced;     /* walks without */
    uintptr_t stack[SEGMENT_DEPTH_MAX]; /* the walk's output */
} CACHE_ALIGNED;

/* Called at each birth. Returns 0 or -ENOMEM. */
int shard_begin(void);

/* A shard for the calling thread; never NULL after shard_begin(). */
struct shard *shard_claim(void);

/* Makes the row of a callsite exist in shard 0. Returns false when the segment
 * is full. */
bool shard_prepare(uint32_t callsite);

/* Where a count goes that finds no row in its shard. */
COLD void shard_add_elsewhere(struct shard *shard, uint32_t callsite,
                              const struct segment_row *amounts);

static ALWAYS_INLINE void shard_add(struct shard *shard, uint32_t callsite,
                                    const struct segment_row *amounts)
{
    struct segment_row *rows = __atomic_load_n(
        &shard->rows[callsite / SEGMENT_ROWS_PER_EXTENT], __ATOMIC_RELAXED);
    struct segment_row *row;

    if (UNLIKELY(!rows || shard->shared)) {
        shard_add_elsewhere(shard, callsite, amounts);
        return;
    }
    row = &rows[callsite % SEGMENT_ROWS_PER_EXTENT];
    if (amounts->alloc_objects) {
        counter_add_owned(&row->alloc_objects, amounts->alloc_objects);
        counter_add_owned(&row->alloc_space, amounts->alloc_space);
    }
    if (amounts->free_objects) {
        counter_add_owned(&row->free_objects, amounts->free_objects);
        counter_add_owned(&row->free_space, amounts->free_space);
    }
}

_Static_assert(sizeof(struct segment_calls) == sizeof(struct segment_row) &&
                   offsetof(struct segment_calls, frees) == 8 &&
                   offsetof(struct segment_calls, unknown_frees) == 16,
               "row 0 holds struct segment_calls");

/* Counts calls in row 0, which is read as struct segment_calls. */
static ALWAYS_INLINE void shard_add_calls(struct shard *shard, uint64_t allocs,
                                          uint64_t frees,
                                          uint64_t unknown_frees)
{
    const struct segment_row amounts = {allocs, frees, unknown_frees, 0};
    struct segment_row *row =
        __atomic_load_n(&shard->rows[0], __ATOMIC_RELAXED);

    if (UNLIKELY(!row || shard->shared)) {
        shard_add_elsewhere(shard, SEGMENT_SINK_NONE, &amounts);
        return;
    }
    if (allocs)
        counter_add_owned(&row->alloc_objects, allocs);
    if (frees)
        counter_add_owned(&row->alloc_space, frees);
    if (unknown_frees)
        counter_add_owned(&row->free_objects, unknown_frees);
}

/* Sums of all shards and callsites in one snapshot: every free counter is
 * read before any alloc counter, so that nothing comes out negative. */
struct shard_totals {
    struct segment_row callsites;
    struct segment_calls calls;
};
void shard_read_totals(struct shard_totals *totals);

#endif
