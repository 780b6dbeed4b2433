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
#include "real.h"
#include "sample.h"
#include "thread.h"
#include "walk.h"

/* What a hook has to do besides forwarding. */
enum record_need {
    RECORD_NOTHING,      /* forward; a call that sampling counts is counted */
    RECORD_COUNTED,      /* the same, for an allocation when sampling */
    RECORD_EXACT_HEADER, /* the thread is ready: record_exact.h, ... */
    RECORD_EXACT_ANY,    /* ... in its two forms */
    RECORD_SOMEHOW,      /* record_alloc() or record_free() */
};

/* Where the mode is neither off nor one that the thread is ready to sample in. */
static ALWAYS_INLINE enum record_need
record_exact_need(const struct thread *thread, uint64_t mode)
{
    if (mode == thread->ready[SEGMENT_MODE_EXACT])
        return RECORD_EXACT_HEADER;
    return mode == thread->ready[THREAD_EXACT_ANY] ? RECORD_EXACT_ANY
                                                   : RECORD_SOMEHOW;
}

static ALWAYS_INLINE bool record_forwards(enum record_need need)
{
    return need <= RECORD_COUNTED;
}

/*
 * The two questions of the hot path, for functions that then jump on without a
 * frame of their own (interpose.c). An allocation of `size` bytes needs nothing
 * when off, and when sampling and the sample point is not within these bytes.
 */
static ALWAYS_INLINE enum record_need record_alloc_needs(size_t size)
{
    struct thread *thread = &thread_self;
    uint64_t mode = life_mode_or_none();

    if (LIKELY(mode == thread->ready[SEGMENT_MODE_SAMPLE])) {
        counter_add_owned(&thread->calls->alloc_objects, 1);
        return sample_due(thread, size) ? RECORD_SOMEHOW : RECORD_COUNTED;
    }
    if (LIKELY(mode == thread->ready[SEGMENT_MODE_OFF]))
        return RECORD_NOTHING;
    return record_exact_need(thread, mode);
}

/*
 * A free needs nothing when the block was never recorded, nor is boot.h's. It
 * does not ask for the mode: a block that was recorded counts as freed in any.
 * While there are only samples it is counted as when sampling; and that of a
 * recorded block as in exact mode by a thread that was in it: until the thread's
 * next allocation, which asks.
 */
static ALWAYS_INLINE enum record_need record_free_needs(const void *block)
{
    struct thread *thread = &thread_self;
    int64_t used = __atomic_load_n(&life->used, __ATOMIC_RELAXED);

    if (used < 0)
        return RECORD_NOTHING;
    if (LIKELY(used == thread->samples_only)) {
        if (UNLIKELY(sample_may_be(block)))
            return RECORD_SOMEHOW;
        counter_add_owned(&thread->calls->alloc_space, 1);
        return RECORD_NOTHING;
    }
    if (LIKELY(used == thread->exact_used))
        return RECORD_EXACT_HEADER;
    return (used | THREAD_ANY_BIT) == thread->exact_used ? RECORD_EXACT_ANY
                                                         : RECORD_SOMEHOW;
}

/*
 * The same two questions for what may free `old`, if that is not NULL, and then
 * allocates `size` bytes. Unless it says RECORD_NOTHING, nothing is counted
 * yet. What is counted here must not come by another hook again: a thread is
 * ready to sample only over an allocator that is known not to call any
 * (record.c).
 */
static ALWAYS_INLINE enum record_need record_realloc_needs(const void *old,
                                                           size_t size)
{
    struct thread *thread = &thread_self;
    uint64_t mode = life_mode_or_none();
    int64_t used = __atomic_load_n(&life->used, __ATOMIC_RELAXED);

    if (mode == thread->ready[SEGMENT_MODE_OFF])
        return used < 0 ? RECORD_NOTHING : RECORD_SOMEHOW;
    if (mode != thread->ready[SEGMENT_MODE_SAMPLE])
        return record_exact_need(thread, mode);
    if (used != thread->samples_only || sample_is_near(thread, size) ||
        size == 0 || (old && sample_may_be(old)))
        return RECORD_SOMEHOW;
    sample_due(thread, size); /* not near: takes it off, and no more */
    counter_add_owned(&thread->calls->alloc_objects, 1);
    if (old)
        counter_add_owned(&thread->calls->alloc_space, 1);
    return RECORD_NOTHING;
}

/* What tells a function that calls the allocator, and that may call another of
 * our hooks, whether that one has seen to the block: begin before, and what
 * record_seen() says after. */
struct record_watch {
    uint64_t calls;
};

/* How many calls the thread has counted in its own row; in a child that it has
 * not joined, it has none. */
static ALWAYS_INLINE uint64_t record_calls(const struct thread *thread)
{
    return life_has(thread) && thread->calls
               ? counter_read(&thread->calls->alloc_objects)
               : 0;
}

static ALWAYS_INLINE struct record_watch record_begin(void)
{
    thread_self.recorded = NULL;
    return (struct record_watch){record_calls(&thread_self)};
}

/* Recorded, or counted and no more: sampling looks at most blocks no closer. */
static ALWAYS_INLINE bool record_seen(const struct record_watch *watch,
                                      const void *block)
{
    return thread_self.recorded == block ||
           record_calls(&thread_self) != watch->calls;
}

/* Records a new block of `size` requested bytes, for which
 * record_alloc_needs() said more than nothing. */
void record_alloc(void *block, size_t size, const struct walk_start *start);

/* Counts and takes out a block that is about to be freed, for which
 * record_free_needs() said more than nothing. */
void record_free(void *block);

/* What stood for a block before realloc. */
struct record_taken {
    uint64_t epoch; /* of the life that it was taken in; 0: it was not */
    uint32_t owner;
    size_t size; /* usable, of the old block */
};

/* Takes a block out before realloc ... */
struct record_taken record_take(void *block);
/* ... and counts it as freed when realloc has freed it, or puts it back. Does
 * nothing in a child that a signal handler has forked meanwhile. */
void record_taken_freed(const void *block, const struct record_taken *taken);
void record_put_back(void *block, const struct record_taken *taken);

#endif
