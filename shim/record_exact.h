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
                                           size_t size, uint32_t callsite)
{
    struct segment_row *row = shard_row(shard, callsite);
    uint32_t *slot = owner_slot((uintptr_t)block);

    if (UNLIKELY(!row || !slot || __atomic_load_n(slot, __ATOMIC_RELAXED) ||
                 !shard_try_alloc(shard, row, size)))
        return false;
    __atomic_store_n(slot, callsite, __ATOMIC_RELAXED);
    return true;
}

/* The same in any case. */
NOINLINE void record_exact_count(struct shard *shard, void *block, size_t size,
                                 uint32_t callsite);

/* Where the stack is not remembered: walks, and goes on from there. The thread
 * is marked (thread_enter), and no longer is afterwards. */
NOINLINE void record_exact_walk(struct thread *thread, void *block, size_t size,
                                const struct walk_start *start);

/* Records a new block. */
static ALWAYS_INLINE void record_exact_alloc(struct thread *thread, void *block,
                                             const struct walk_start *start)
{
    struct shard *shard = thread->shard;
    size_t size = real_usable_size(block);
    uint32_t callsite = SEGMENT_SINK_NESTED;

    thread->recorded = block;
    if (LIKELY(thread_enter(thread, start->sp))) {
        callsite = callsite_recall(shard, start);
        if (UNLIKELY(!callsite)) {
            /* A copy: the original may then stay in registers. */
            const struct walk_start copy = *start;
            record_exact_walk(thread, block, size, &copy);
            return;
        }
        thread_leave(thread);
    }
    if (UNLIKELY(!record_exact_try(shard, block, size, callsite)))
        record_exact_count(shard, block, size, callsite);
}

/* Counts and takes out a block that is about to be freed. False, and nothing
 * done, when anything stands in the way: then record_free() does it. */
static ALWAYS_INLINE bool record_exact_free(const struct thread *thread,
                                            void *block)
{
    struct segment_row *row;
    uint32_t *slot, owner;
    size_t size;

    if (UNLIKELY(!block))
        return false;
    size = real_usable_size(block);
    slot = owner_slot((uintptr_t)block);
    if (UNLIKELY(!slot))
        return false;
    owner = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (UNLIKELY(owner == 0 || SAMPLE_IS_OWNER(owner)))
        return false;
    row = shard_row(thread->shard, owner);
    if (UNLIKELY(!row || !shard_try_free(thread->shard, row, size)))
        return false;
    __atomic_store_n(slot, 0, __ATOMIC_RELAXED);
    return true;
}

#endif
