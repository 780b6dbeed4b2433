/* SPDX-License-Identifier: MIT */
/*
 * tracer.h - what a thread that allocates much remembers of its stacks.
 *
 * One per shard, mapped when its owner has walked TRACER_AFTER stacks without
 * in exact mode (samples alone are too few to pay for its pages): less than 256
 * KiB. A thread that hardly allocates has none. It goes with the shard to the
 * next owner, who finds another thread's stacks in it: they prove false. Its
 * memory is kept by a forked child, where it reads as zeros: empty.
 * Read next: memo.h, spine.h.
 */
#ifndef PREPROF_TRACER_H
#define PREPROF_TRACER_H

#include <stddef.h>
#include <stdint.h>

#include "memo.h"
#include "module.h"
#include "spine.h"
#include "walk_count.h"

#define TRACER_AFTER 32

/* A memo that never knows a stack costs more than the spine alone: after so
 * many searches in vain it is not asked for so many stacks; then it gets half
 * as many searches to do better. */
#define TRACER_VAIN  64
#define TRACER_PAUSE 2048

struct tracer {
    struct module_loads loads; /* the rest holds for what was loaded then */
    uint64_t remaps;           /* module_remaps() then */
    uint32_t labels;           /* that the spine's stack is under */
    uint64_t missed; /* what the memo looked for last, in vain; 0 nothing */
    uint32_t vain;   /* searches in a row without success */
    uint32_t pause;  /* stacks not to search for */
    struct memo memo;
    struct spine spine;
};
_Static_assert(sizeof(struct tracer) <= 256 << 10, "a thread's share");

/* The tracer of a shard, by its index; NULL when memory is short. Only the
 * shard's owner calls it. */
struct tracer *tracer_make(uint32_t shard);

/* Where something was loaded since the last time: looks whether code was
 * replaced, and then forgets everything. */
COLD void tracer_renew(struct tracer *tracer);

/* What the memo knows of the stack, under these labels, or NULL: also when
 * tracer_renew() is to be called. */
static ALWAYS_INLINE const struct memo_entry *
tracer_recall(struct tracer *tracer, const struct walk_start *start,
              uint32_t labels)
{
    const struct memo_entry *entry;

    if (UNLIKELY(module_changed(&tracer->loads))) {
        WALK_COUNT(unasked, 1);
        tracer->missed = 0;
        return NULL;
    }
    if (UNLIKELY(tracer->pause)) {
        tracer->pause--;
        WALK_COUNT(unasked, 1);
        tracer->missed = 0;
        return NULL;
    }
    entry = memo_find(&tracer->memo, start, labels, &tracer->missed);
    WALK_COUNT(asked, 1);
    if (LIKELY(entry != NULL)) {
        WALK_COUNT(recalled, 1);
        tracer->vain = 0;
    } else if (++tracer->vain == TRACER_VAIN) {
        tracer->vain = TRACER_VAIN / 2;
        tracer->pause = TRACER_PAUSE;
    }
    return entry;
}

#endif
