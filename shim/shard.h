/* SPDX-License-Identifier: MIT */
/*
 * shard.h - counters that no two threads write.
 *
 * Every shard has its own row per callsite; the value is the sum over shards.
 * A thread owns one shard from its SHARD_AFTERth count until the kernel forgets
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
 * (shard_prepare), so a count always finds a place: own row, else shard 0's. The
 * rows of all other shards take no more than half of the segment.
 * Read next: counter.h, peak.h, callsite.h.
 */
#ifndef PREPROF_SHARD_H
#define PREPROF_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "counter.h"
#include "life.h"
#include "os.h"
#include "peak.h"
#include "segment.h"
#include "thread.h"

struct tracer;

#define SHARD_ROW_EXTENTS  (SEGMENT_CALLSITES_MAX / SEGMENT_ROWS_PER_EXTENT)
#define SHARD_PEAK_EXTENTS (SEGMENT_CALLSITES_MAX / SEGMENT_PEAKS_PER_EXTENT)

struct shard {
    uint32_t owner; /* tid, or 0 */
    uint32_t index;
    bool shared;       /* shard 0: adds are locked */
    uint64_t drift;    /* peak.h: bytes counted and not told, signed ... */
    int64_t drift_max; /* ... and when to tell: above this, or ... */
    int64_t drift_min; /* ... below its negative; 0 at first */
    struct segment_row *rows[SHARD_ROW_EXTENTS]; /* none where shared: */
    struct segment_peak *peaks[SHARD_PEAK_EXTENTS];
    /* callsite.c, by the owner while it is busy: */
    struct tracer *tracer;              /* NULL until it has walked much */
    uint32_t untraced;                  /* walks without */
    uintptr_t stack[SEGMENT_DEPTH_MAX]; /* the walk's output */
    /* The hot path is not to find these: it does not lock. */
    struct segment_row *shared_rows[SHARD_ROW_EXTENTS];
} __attribute__((aligned(OS_PAGE_SIZE)));

/* Called at each birth. Returns 0 or -ENOMEM. */
int shard_begin(void);

/* A thread that counts no more than so often uses the common shard: most hardly
 * ever count, and a shard takes memory for as long as the process lives. */
#define SHARD_AFTER 32

/* The shard that all threads share. NULL before shard_begin(). */
struct shard *shard_common(void);

/* A shard for the calling thread; never NULL after shard_begin(). */
struct shard *shard_claim(void);

/* The shard that the calling thread shall count in now, which it has also in
 * thread->shard. Called for each count until it owns one, and not with every
 * one from then on. */
struct shard *shard_of(struct thread *thread);

/* Makes the row of a callsite exist in shard 0. Returns false when the segment
 * is full. */
bool shard_prepare(uint32_t callsite);

/* Count in the row of the shard, the calling thread's, or where else there is
 * room. */
NOINLINE void shard_add_alloc(struct shard *shard, uint32_t callsite,
                              uint64_t objects, uint64_t space);
NOINLINE void shard_add_free(struct shard *shard, uint32_t callsite,
                             uint64_t objects, uint64_t space);
NOINLINE void shard_add_calls_elsewhere(struct shard *shard,
                                        const struct segment_calls *calls);

/* The row of a callsite, if it is there and the shard's own; else NULL. */
static ALWAYS_INLINE struct segment_row *shard_row(struct shard *shard,
                                                   uint32_t callsite)
{
    struct segment_row *rows = shard->rows[callsite / SEGMENT_ROWS_PER_EXTENT];

    return LIKELY(rows != NULL) ? &rows[callsite % SEGMENT_ROWS_PER_EXTENT]
                                : NULL;
}

/*
 * Whether a row from shard_row() can be counted in as it is: no peak has come
 * since it was (peak.h). Then the second of a pair counts one block; and
 * returns whether peak_settle() is to be called, as the others are to be told.
 */
static ALWAYS_INLINE bool shard_row_may_alloc(const struct segment_row *row)
{
    return LIKELY(SEGMENT_EPOCH(counter_read(&row->alloc_objects)) ==
                  __atomic_load_n(&life->header->peak_epoch, __ATOMIC_RELAXED));
}

static ALWAYS_INLINE bool
shard_row_alloc(struct shard *shard, struct segment_row *row, uint64_t space)
{
    counter_add_owned(&row->alloc_objects, 1);
    counter_add_owned(&row->alloc_space, space);
    counter_add_owned(&shard->drift, space);
    return UNLIKELY((int64_t)counter_read(&shard->drift) > shard->drift_max);
}

static ALWAYS_INLINE bool shard_row_may_free(const struct segment_row *row)
{
    return LIKELY(SEGMENT_EPOCH(counter_read(&row->alloc_objects)) ==
                  __atomic_load_n(&life->header->peak_turn, __ATOMIC_RELAXED));
}

static ALWAYS_INLINE bool
shard_row_free(struct shard *shard, struct segment_row *row, uint64_t space)
{
    counter_add_owned(&row->free_objects, 1);
    counter_add_owned(&row->free_space, space);
    counter_add_owned(&shard->drift, -space);
    return UNLIKELY((int64_t)counter_read(&shard->drift) < shard->drift_min);
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
    struct segment_row *row = shard_row(shard, SEGMENT_SINK_NONE);

    if (UNLIKELY(!row)) {
        const struct segment_calls calls = {allocs, frees, unknown_frees, 0};

        shard_add_calls_elsewhere(shard, &calls);
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
