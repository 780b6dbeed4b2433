/* SPDX-License-Identifier: MIT */
/*
 * record_exact.h - what every malloc and every free costs in exact mode.
 *
 * All of it is compiled into the hooks, with everything in registers: past the
 * real allocator nothing is called, but that again where it must be asked for a
 * block's size. Whatever is rare is found out before anything is changed, and
 * left to a function that begins again and can do all.
 * A thread comes here when it is ready for exact mode (thread.h).
 *
 * `header` is record_exact_has_header(), a constant where the hooks have two
 * forms: then the allocator is glibc's, whose blocks tell their size, have one
 * plane, and are made without calling a hook of ours.
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

/* That there is one plane says it: life.c makes but one where the real
 * allocator is proven to be so, and never changes it. */
static ALWAYS_INLINE bool record_exact_has_header(void)
{
    return owner_has_one_plane();
}

static ALWAYS_INLINE uint32_t *record_exact_slot(bool header, const void *block)
{
    return owner_slot_in((uintptr_t)block, header ? 0 : owner_map.planes);
}

/*
 * Counts a new block of a callsite in its row, and enters it into the owner
 * map. False, and nothing done, when anything stands in the way, as where there
 * is no row: then record_exact_count() does it.
 */
static ALWAYS_INLINE bool record_exact_try(bool header, struct shard *shard,
                                           void *block, uint32_t callsite,
                                           struct segment_row *row)
{
    uint32_t *slot;

    if (UNLIKELY(!row))
        return false;
    slot = record_exact_slot(header, block);
    if (UNLIKELY(!slot || owner_is_taken(slot) || !shard_row_may_alloc(row)))
        return false;
    __atomic_store_n(slot, callsite, __ATOMIC_RELAXED);
    if (shard_row_alloc(shard, row, real_usable_size_in(block, header)))
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
static ALWAYS_INLINE void record_exact_alloc(bool header, struct thread *thread,
                                             void *block,
                                             const struct walk_start *start)
{
    struct shard *shard = thread->shard;
    const struct memo_entry *entry;
    struct segment_row *row;
    uint32_t callsite;

    thread->recorded = block;
    if (UNLIKELY(!thread_enter(thread, start->sp))) {
        record_exact_count(block, SEGMENT_SINK_NESTED);
        return;
    }
    entry = callsite_recall(shard, start);
    if (UNLIKELY(!entry)) {
        record_exact_walk(block, start->pc, start->sp, start->bp);
        return;
    }
    callsite = entry->callsite;
    row = entry->row;
    if (UNLIKELY(!row))
        row = shard_row(shard, callsite);
    thread_leave(thread);
    if (UNLIKELY(!record_exact_try(header, shard, block, callsite, row)))
        record_exact_count(block, callsite);
}

/* A block that is about to be freed, where nothing stands in the way. */
struct record_exact_place {
    uint32_t *slot; /* in the owner map */
    uint32_t callsite;
    struct segment_row *row;
};

/* Finds the place of a block, which may be NULL. False when record_free() or
 * record_take() have to be called, which know all blocks. */
static ALWAYS_INLINE bool record_exact_find(bool header,
                                            const struct thread *thread,
                                            const void *block,
                                            struct record_exact_place *place)
{
    place->slot = record_exact_slot(header, block);
    if (UNLIKELY(!place->slot))
        return false;
    place->callsite = __atomic_load_n(place->slot, __ATOMIC_RELAXED);
    if (UNLIKELY(place->callsite == 0 || SAMPLE_IS_OWNER(place->callsite)))
        return false;
    place->row = shard_row(thread->shard, place->callsite);
    return LIKELY(place->row && shard_row_may_free(place->row));
}

/* Takes the block out before it is freed; or puts it back if it was not. */
static ALWAYS_INLINE void
record_exact_take(const struct record_exact_place *place)
{
    __atomic_store_n(place->slot, 0, __ATOMIC_RELAXED);
}

static ALWAYS_INLINE void
record_exact_put_back(const struct record_exact_place *place)
{
    __atomic_store_n(place->slot, place->callsite, __ATOMIC_RELAXED);
}

#endif
