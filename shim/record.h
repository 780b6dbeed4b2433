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
#include "life.h"
#include "owner.h"
#include "sample.h"
#include "thread.h"
#include "walk.h"

/* Records a block in exact mode. */
void record_exact(struct thread *thread, void *block,
                  const struct walk_start *start);
/* Counts a call in sample mode; records the block when it is a sample. */
void record_sampled(struct thread *thread, void *block, size_t size,
                    const struct walk_start *start);
/* Counts the free of a block that was recorded (owner != 0) or not. */
void record_freed(struct thread *thread, void *block, uint32_t owner);

/* A new block of `size` requested bytes. */
static ALWAYS_INLINE void record_alloc(void *block, size_t size,
                                       struct walk_start start)
{
    struct thread *thread = &thread_self;
    uint64_t mode;

    if (!LIFE_JOINED(thread))
        return;
    mode = life_mode();
    if (mode == SEGMENT_MODE_OFF)
        return;
    if (SEGMENT_MODE_OF(mode) == SEGMENT_MODE_EXACT)
        record_exact(thread, block, &start);
    else
        record_sampled(thread, block, size, &start);
}

/* A block that is about to be freed. */
static ALWAYS_INLINE void record_free(void *block)
{
    struct thread *thread = &thread_self;

    if (!LIFE_JOINED(thread) || !life->tables_used)
        return;
    record_freed(thread, block, owner_remove((uintptr_t)block));
}

/* What stood for a block before realloc. */
struct record_taken {
    bool valid;
    uint32_t owner;
    size_t size; /* usable, of the old block */
};

/* Takes a block out before realloc ... */
struct record_taken record_take(void *block);
/* ... and counts it as freed when realloc has freed it, or puts it back. */
void record_taken_freed(const struct record_taken *taken);
void record_put_back(void *block, const struct record_taken *taken);

#endif
