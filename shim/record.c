/* SPDX-License-Identifier: MIT */
/* record.c - see record.h. */
#include "record.h"

#include "boot.h"
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

/* A signal handler may have forked since the hook looked, and this be the
 * child, maybe with a life of its own already. */
static bool is_other_life(const struct thread *thread)
{
    return !life_has(thread) ||
           !(__atomic_load_n(&life->used, __ATOMIC_RELAXED) &
             SEGMENT_MODE_EXACT);
}

void record_exact_count(void *block, uint32_t callsite)
{
    struct shard *shard = thread_self.shard;

    if (UNLIKELY(callsite == SEGMENT_SINK_NONE || is_other_life(&thread_self)))
        return; /* the callsite is, or was, not of this life */
    shard_add_alloc(shard, callsite, 1, real_usable_size(block));
    follow(shard, block, callsite);
}

void record_exact_walk(void *block, uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    struct thread *thread = &thread_self;
    const struct walk_start start = {.pc = pc, .sp = sp, .bp = bp};
    uint32_t callsite;

    if (UNLIKELY(is_other_life(thread))) {
        thread_leave(thread);
        record_alloc(block, real_usable_size(block), &start);
        return;
    }
    callsite = callsite_capture(thread->shard, &start);
    thread_leave(thread);
    if (UNLIKELY(!record_exact_try(record_exact_has_header(), thread->shard,
                                   block, callsite,
                                   shard_row(thread->shard, callsite))))
        record_exact_count(block, callsite);
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

/* Samples by a mode word that the thread is not ready for: counts this call,
 * and makes it ready, unless it has no row of its own, or the allocator is one
 * that may build malloc on another hook, which would count and sample again
 * what the hot path did. Such a thread comes here every time. */
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
    if (!shard->shared && thread->calls && real.allocator != ALLOCATOR_OTHER)
        life_make_ready(thread, mode);
    if (sample_due(thread, size))
        record_sample(thread, block, size, start);
}

/* Whether the thread may record by this mode word, which says exact; it is
 * ready for the hot path once it has its last shard. */
static bool be_exact(struct thread *thread, uint64_t mode)
{
    if (LIKELY(life_is_exact(thread, mode)))
        return true;
    if (!life_may_record(SEGMENT_MODE_EXACT))
        return false;
    shard_of(thread);
    if (!thread->young)
        life_make_ready(thread, mode);
    return true;
}

HOT void record_alloc(void *block, size_t size, const struct walk_start *start)
{
    struct thread *thread = &thread_self;
    uint64_t mode;

    if (!life_joined(thread))
        return;
    /* Got while the real allocator was looked up, by who waited since. */
    if (UNLIKELY(real.boot_used) && boot_owns(block))
        return;
    mode = life_mode();
    thread->recorded = block;
    if (SEGMENT_MODE_OF(mode) == SEGMENT_MODE_EXACT) {
        if (be_exact(thread, mode))
            record_exact_alloc(record_exact_has_header(), thread, block, start);
    } else if (SEGMENT_MODE_OF(mode) == SEGMENT_MODE_OFF) {
        life_make_ready(thread, mode);
    } else if (mode == thread->ready[SEGMENT_MODE_SAMPLE]) {
        record_sample(thread, block, size, start);
    } else {
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

/* Takes a block out of the owner map, unless the filter tells that it is not
 * there. */
static uint32_t take_out(const struct thread *thread, const void *block)
{
    if (thread->samples_only ==
            __atomic_load_n(&life->used, __ATOMIC_RELAXED) &&
        !sample_is_likely(block))
        return 0;
    return owner_remove((uintptr_t)block);
}

void record_free(void *block)
{
    struct thread *thread = &thread_self;
    uint64_t word;
    enum segment_mode mode;
    uint32_t owner;
    size_t size = 0;

    if (!block || !life_joined(thread) || !life_has_recorded())
        return;
    owner = take_out(thread, block);
    word = life_mode();
    mode = SEGMENT_MODE_OF(word);
    if (mode == SEGMENT_MODE_EXACT)
        be_exact(thread, word);
    /* Sampling rejects most blocks, and must not ask for their sizes. */
    if (owner || mode == SEGMENT_MODE_EXACT)
        size = real_usable_size(block);
    count_free(thread, block, owner, mode, size);
}

struct record_taken record_take(void *block)
{
    struct record_taken taken = {0, 0, 0};

    if (life_joined(&thread_self) && life_has_recorded()) {
        taken.epoch = thread_self.epoch;
        taken.size = real_usable_size(block);
        taken.owner = take_out(&thread_self, block);
    }
    return taken;
}

static bool was_taken(const struct record_taken *taken)
{
    return taken->epoch != 0 &&
           taken->epoch == __atomic_load_n(&life->epoch, __ATOMIC_RELAXED);
}

void record_taken_freed(const void *block, const struct record_taken *taken)
{
    if (was_taken(taken))
        count_free(&thread_self, block, taken->owner,
                   SEGMENT_MODE_OF(life_mode()), taken->size);
}

void record_put_back(void *block, const struct record_taken *taken)
{
    if (was_taken(taken) && taken->owner)
        follow(shard_of(&thread_self), block, taken->owner);
}
