/* SPDX-License-Identifier: MIT */
/*
 * record_exact.h - what every malloc and every free costs in exact mode.
 *
 * All of it is compiled into the two hooks, with everything in registers: past
 * the real allocator nothing is called. Whatever is rare is found out before
 * anything is changed, and left to a function that begins again and can do all.
 * A thread comes here when it is ready for exact mode (thread.h).
 * Read next: record.c, callsite.h, shard.h, owner.h.
 */
#ifndef PREPROF_RECORD_EXACT_H
#define PREPROF_RECORD_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callsite.h"
#include "cc.h"
#include "owner.h"
#include "real.h"
#include "sample.h"
#include "shard.h"
#include "thread.h"
#include "walk.h"

/*
 * Counts a new block of a callsite, and enters it into the owner map. False,
 * and nothing done, when anything stands in the way: then record_exact_count()
 * does it.
 */
static ALWAYS_INLINE bool record_exact_try(struct shard *shard, void *block,
                                           uint32_t callsite)
{
    struct segment_row *row = shard_row(shard, callsite);
    uint32_t *slot = owner_slot((uintptr_t)block);

    if (UNLIKELY(!row || !slot || __atomic_load_n(slot, __ATOMIC_RELAXED) ||
                 !shard_row_may_alloc(row)))
        return false;
    __atomic_store_n(slot, callsite, __ATOMIC_RELAXED);
    if (shard_row_alloc(shard, row, real_usable_size(block)))
        peak_settle(shard);
    return true;
}

/* The same in any case. */
NOINLINE void record_exact_count(void *block, uint32_t callsite);

/* Where the stack is not remembered: walks, and goes on from there. The thread
 * is marked (thread_enter), and no longer is afterwards. */
NOINLINE void record_exact_walk(void *block, uintptr_t pc, uintptr_t sp,
                                uintptr_t bp);

/* Records a new block. */
static ALWAYS_INLINE void record_exact_alloc(struct thread *thread, void *block,
                                             const struct walk_start *start)
{
    uint32_t callsite;

    thread->recorded = block;
    if (UNLIKELY(!thread_enter(thread, start->sp))) {
        record_exact_count(block, SEGMENT_SINK_NESTED);
        return;
    }
    callsite = callsite_recall(thread->shard, start);
    if (UNLIKELY(!callsite)) {
        record_exact_walk(block, start->pc, start->sp, start->bp);
        return;
    }
    thread_leave(thread);
    if (UNLIKELY(!record_exact_try(thread->shard, block, callsite)))
        record_exact_count(block, callsite);
}

/* What the hook of free has to do after record_exact_free(). */
enum record_exact_freed {
    RECORD_EXACT_FREED,    /* nothing */
    RECORD_EXACT_TO_TELL,  /* peak_settle() */
    RECORD_EXACT_NOT_DONE, /* record_free(): something stood in the way */
};

/* Counts and takes out a block of `size` usable bytes that is about to be
 * freed. */
static ALWAYS_INLINE enum record_exact_freed
record_exact_free(const struct thread *thread, const void *block, size_t size)
{
    uint32_t *slot = owner_slot((uintptr_t)block), owner;
    struct segment_row *row;

    if (UNLIKELY(!slot))
        return RECORD_EXACT_NOT_DONE;
    owner = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (UNLIKELY(owner == 0 || SAMPLE_IS_OWNER(owner)))
        return RECORD_EXACT_NOT_DONE;
    row = shard_row(thread->shard, owner);
    if (UNLIKELY(!row || !shard_row_may_free(row)))
        return RECORD_EXACT_NOT_DONE;
    __atomic_store_n(slot, 0, __ATOMIC_RELAXED);
    return UNLIKELY(shard_row_free(thread->shard, row, size))
               ? RECORD_EXACT_TO_TELL
               : RECORD_EXACT_FREED;
}

#endif
