/* SPDX-License-Identifier: MIT */
/*
 * record.h - what an interposed function does besides forwarding.
 *
 * A block is recorded after the real allocation and taken out before the real
 * free (hazards F1). Losing is allowed, waiting is not. errno is not touched.
 * Threads: any. All of it may run in a signal handler, also in one that
 * interrupted itself: then the block is charged to a sink, and still followed.
 * Read next: life.h, record_exact.h, sample.h.
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

/* What a hook has to do besides forwarding. */
enum record_need {
    RECORD_NOTHING, /* forward; a call that sampling counts is counted */
    RECORD_EXACTLY, /* the thread is ready: record_exact.h */
    RECORD_SOMEHOW, /* record_alloc() or record_free() */
};

/*
 * The two questions of the hot path, for functions that then jump on without a
 * frame of their own (interpose.c). An allocation of `size` bytes needs nothing
 * when off, and when sampling and the sample point is not within these bytes.
 */
static ALWAYS_INLINE enum record_need record_alloc_needs(size_t size)
{
    struct thread *thread = &thread_self;
    uint64_t mode;

    if (UNLIKELY(thread->epoch !=
                 __atomic_load_n(&life->epoch, __ATOMIC_RELAXED)))
        return RECORD_SOMEHOW;
    mode = life_mode();
    if (mode == thread->mode) {
        if (SEGMENT_MODE_OF(mode) == SEGMENT_MODE_EXACT)
            return RECORD_EXACTLY;
        thread->recorded = RECORDED_BY_COUNT;
        counter_add_owned(&thread->calls->alloc_objects, 1);
        return sample_due(thread, size) ? RECORD_SOMEHOW : RECORD_NOTHING;
    }
    return mode == SEGMENT_MODE_OFF ? RECORD_NOTHING : RECORD_SOMEHOW;
}

/* A free needs nothing when the block was never recorded. */
static ALWAYS_INLINE enum record_need record_free_needs(const void *block)
{
    struct thread *thread = &thread_self;
    uint32_t used;

    if (UNLIKELY(thread->epoch !=
                 __atomic_load_n(&life->epoch, __ATOMIC_RELAXED)))
        return RECORD_SOMEHOW;
    used = __atomic_load_n(&life->tables_used, __ATOMIC_RELAXED);
    if (used == 0)
        return RECORD_NOTHING;
    if (life_mode() != thread->mode)
        return RECORD_SOMEHOW;
    if (thread->mode == SEGMENT_MODE_EXACT)
        return RECORD_EXACTLY;
    /* The filter knows the blocks of sample mode, and no others. */
    if (used != 1u << SEGMENT_MODE_SAMPLE || !block || sample_may_be(block))
        return RECORD_SOMEHOW;
    counter_add_owned(&thread->calls->alloc_space, 1);
    return RECORD_NOTHING;
}

/* Records a new block of `size` requested bytes, for which
 * record_alloc_needs() said more than nothing. */
void record_alloc(void *block, size_t size, const struct walk_start *start);

/* Counts and takes out a block that is about to be freed, for which
 * record_free_needs() said more than nothing. */
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
