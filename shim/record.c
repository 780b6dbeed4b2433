/* SPDX-License-Identifier: MIT */
/* record.c - see record.h. */
#include "record.h"

#include "real.h"
#include "record_exact.h"
#include "shard.h"

/* A sample stands for more than its block. */
static void count_freed(struct shard *shard, const void *block, uint32_t owner,
                        size_t size)
{
    if (SAMPLE_IS_OWNER(owner)) {
        struct sample sample = sample_release(block, SAMPLE_SLOT_OF(owner));

        shard_add_free(shard, sample.callsite, sample.objects, sample.space);
    } else {
        shard_add_free(shard, owner, 1, size);
    }
}

/* What stood where a block is entered was not seen to be freed: an allocator
 * that frees behind our back. */
static COLD void count_overwritten(struct shard *shard, void *block,
                                   uint32_t owner)
{
    life_lose(SEGMENT_LOSS_OVERWRITTEN, 1);
    count_freed(shard, block, owner, real_usable_size(block));
}

/* The free of a block will not be seen: counted now, so that in-use stays the
 * sum of what can be known. */
static COLD void count_unfollowed(struct shard *shard, void *block,
                                  uint32_t owner)
{
    life_lose(owner_in_range((uintptr_t)block) ? SEGMENT_LOSS_OWNER_FULL
                                               : SEGMENT_LOSS_OWNER_RANGE,
              1);
    count_freed(shard, block, owner, real_usable_size(block));
}

/* Enters an owner for a new block, whatever stood there. */
static void follow(struct shard *shard, void *block, uint32_t owner)
{
    bool followed;
    uint32_t old = owner_insert((uintptr_t)block, owner, &followed);

    if (UNLIKELY(old))
        count_overwritten(shard, block, old);
    if (UNLIKELY(!followed))
        count_unfollowed(shard, block, owner);
}

void record_exact_count(struct shard *shard, void *block, size_t size,
                        uint32_t callsite)
{
    shard_add_alloc(shard, callsite, 1, size);
    follow(shard, block, callsite);
}

void record_exact_walk(struct thread *thread, void *block, size_t size,
                       const struct walk_start *start)
{
    struct shard *shard = thread->shard;
    uint32_t callsite = callsite_capture(shard, start);

    thread_leave(thread);
    if (UNLIKELY(!record_exact_try(shard, block, size, callsite)))
        record_exact_count(shard, block, size, callsite);
}

/* Records a block with a sample point in it: thread->drawn was reached. */
static COLD void record_sample(struct thread *thread, void *block, size_t size,
                               const struct walk_start *start)
{
    struct shard *shard = shard_of(thread);
    uint64_t mean_bytes = SEGMENT_SAMPLE_SIZE_OF(thread->drawn);
    uint32_t weight = sample_weight(thread, size, mean_bytes);
    struct sample sample = {
        .objects = weight,
        .space = real_usable_size(block) * (uint64_t)weight,
        .callsite = callsite_find(thread, shard, start),
    };
    uint32_t slot = sample_keep(block, &sample);

    sample_draw(thread, mean_bytes);
    if (slot == RESERVE_NONE) {
        life_lose(SEGMENT_LOSS_SAMPLES_FULL, 1);
        return;
    }
    shard_add_alloc(shard, sample.callsite, sample.objects, sample.space);
    follow(shard, block, SAMPLE_OWNER(slot));
}

/* Samples by a mode word that the thread is not ready for: counts this call, and
 * makes it ready, unless it has no row of its own. Such a thread comes here
 * every time. */
static NOINLINE void sample_slowly(struct thread *thread, void *block,
                                   size_t size, const struct walk_start *start,
                                   uint64_t mode)
{
    struct shard *shard;

    if (!life_may_record(SEGMENT_MODE_SAMPLE))
        return;
    shard = shard_of(thread);
    shard_add_calls(shard, 1, 0, 0);
    if (thread->drawn != mode) {
        sample_draw(thread, SEGMENT_SAMPLE_SIZE_OF(mode));
        thread->drawn = mode;
    }
    thread->calls = shard->rows[0];
    if (!shard->shared && thread->calls)
        thread->mode = mode;
    if (sample_due(thread, size))
        record_sample(thread, block, size, start);
}

/* Whether the thread may record in exact mode now; it is ready for the hot path
 * once it has its last shard. */
static ALWAYS_INLINE bool be_exact(struct thread *thread)
{
    if (LIKELY(thread->mode == SEGMENT_MODE_EXACT))
        return true;
    if (!life_may_record(SEGMENT_MODE_EXACT))
        return false;
    shard_of(thread);
    if (!thread->young)
        thread->mode = SEGMENT_MODE_EXACT;
    return true;
}

HOT void record_alloc(void *block, size_t size, const struct walk_start *start)
{
    struct thread *thread = &thread_self;
    uint64_t mode;

    if (!life_joined(thread))
        return;
    mode = life_mode();
    thread->recorded = block;
    if (SEGMENT_MODE_OF(mode) == SEGMENT_MODE_EXACT) {
        if (be_exact(thread))
            record_exact_alloc(thread, block, start);
    } else if (mode == thread->mode) {
        record_sample(thread, block, size, start);
    } else if (mode != SEGMENT_MODE_OFF) {
        sample_slowly(thread, block, size, start, mode);
    }
}

/* A block of the parent's, freed in its child, is no longer inherited. */
static COLD void disinherit(uint64_t size)
{
    uint64_t *inherited = &life->header->inherited_bytes;
    uint64_t before = __atomic_load_n(inherited, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(inherited, &before,
                                        before > size ? before - size : 0, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static ALWAYS_INLINE void count_free(struct thread *thread, const void *block,
                                     uint32_t owner, enum segment_mode mode,
                                     size_t size)
{
    struct shard *shard = shard_of(thread);

    if (mode == SEGMENT_MODE_SAMPLE)
        shard_add_calls(shard, 0, 1, 0);
    if (LIKELY(owner != 0)) {
        count_freed(shard, block, owner, size);
    } else if (mode == SEGMENT_MODE_EXACT) {
        shard_add_calls(shard, 0, 0, 1);
        if (UNLIKELY(life->header->inherited_bytes))
            disinherit(size);
    }
}

void record_free(void *block)
{
    struct thread *thread = &thread_self;
    enum segment_mode mode;
    uint32_t owner;
    size_t size = 0;

    if (!block || !life_joined(thread) || !life->tables_used)
        return;
    owner = owner_remove((uintptr_t)block);
    mode = SEGMENT_MODE_OF(life_mode());
    if (mode == SEGMENT_MODE_EXACT)
        be_exact(thread);
    /* Sampling rejects most blocks, and must not ask for their sizes. */
    if (owner || mode == SEGMENT_MODE_EXACT)
        size = real_usable_size(block);
    count_free(thread, block, owner, mode, size);
}

struct record_taken record_take(void *block)
{
    struct record_taken taken = {false, 0, 0};

    if (life_joined(&thread_self) && life->tables_used) {
        taken.valid = true;
        taken.size = real_usable_size(block);
        taken.owner = owner_remove((uintptr_t)block);
    }
    return taken;
}

void record_taken_freed(const void *block, const struct record_taken *taken)
{
    if (taken->valid)
        count_free(&thread_self, block, taken->owner,
                   SEGMENT_MODE_OF(life_mode()), taken->size);
}

void record_put_back(void *block, const struct record_taken *taken)
{
    if (taken->owner)
        follow(shard_of(&thread_self), block, taken->owner);
}
