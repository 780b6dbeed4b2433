/* SPDX-License-Identifier: MIT */
/*
 * record.h - what an interposed function does besides forwarding.
 *
 * A block is recorded after the real allocation and taken out before the real
 * free (hazards F1). Losing is allowed, waiting is not. errno is not touched.
 * Threads: any. All of it may run in a signal handler, also in one that
 * interrupted itself: then the block is charged to a sink, and still followed.
 * Read next: life.h, owner.h, callsite.h, shard.h.
 */
#ifndef PREPROF_RECORD_H
#define PREPROF_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "counter.h"
#include "life.h"
#include "owner.h"
#include "sample.h"
#include "thread.h"
#include "walk.h"

/* thread.recorded after a call that was counted but needed no record. */
#define RECORDED_BY_COUNT ((void *)1)

/*
 * The two questions of the hot path, for functions that then jump to the real
 * allocator without a frame of their own (interpose.c):
 *
 * May an allocation of `size` bytes be forwarded without recording it? True
 * when off, and when sampling and the sample point is not within these bytes;
 * then the call is counted. After false, record_alloc() must follow.
 */
static ALWAYS_INLINE bool record_skips_alloc(size_t size)
{
    struct thread *thread = &thread_self;
    uint64_t mode;

    if (UNLIKELY(thread->epoch !=
                 __atomic_load_n(&life->epoch, __ATOMIC_RELAXED)))
        return false;
    mode = life_mode();
    if (mode == thread->sampling) {
        thread->recorded = RECORDED_BY_COUNT;
        counter_add_owned(&thread->calls->alloc_objects, 1);
        return !sample_due(thread, size);
    }
    return mode == SEGMENT_MODE_OFF;
}

/* May a free be forwarded, because the block was never recorded? Counts it
 * when sampling. After false, record_free() must follow. */
static ALWAYS_INLINE bool record_skips_free(const void *block)
{
    struct thread *thread = &thread_self;
    uint32_t used;

    if (UNLIKELY(thread->epoch !=
                 __atomic_load_n(&life->epoch, __ATOMIC_RELAXED)))
        return false;
    used = __atomic_load_n(&life->tables_used, __ATOMIC_RELAXED);
    if (used == 0)
        return true;
    /* The filter knows the blocks of sample mode, and no others. */
    if (used != 1u << SEGMENT_MODE_SAMPLE || life_mode() != thread->sampling ||
        sample_may_be(block))
        return false;
    counter_add_owned(&thread->calls->alloc_space, 1);
    return true;
}

/* Records a new block of `size` requested bytes for which
 * record_skips_alloc() said false. */
void record_alloc(void *block, size_t size, const struct walk_start *start);

/* Counts and takes out a block that is about to be freed, for which
 * record_skips_free() said false. */
void record_free(void *block);

/* What stood for a block before realloc. */
struct record_taken {
    bool valid;
    uint32_t owner;
    size_t size; /* usable, of the old block */
};

/* Takes a block out before realloc ... */
struct record_taken record_take(void *block);
/* ... and counts it as freed when realloc has freed it, or puts it back. */
void record_taken_freed(const void *block, const struct record_taken *taken);
void record_put_back(void *block, const struct record_taken *taken);

#endif
