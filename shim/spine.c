/* SPDX-License-Identifier: MIT */
/* spine.c - see spine.h. */
#include "spine.h"

#include "path.h"
#include "rules.h"
#include "step.h"
#include "walk_count.h"

static ALWAYS_INLINE bool frame_is(const struct spine_frame *frame,
                                   const struct walk_start *at)
{
    return frame->sp == at->sp && frame->pc == at->pc &&
           (!(frame->flags & SPINE_DEMANDS_BP) || frame->bp == at->bp);
}

/* Whether the words that undo frames[1] still lead to frames[0], where that
 * takes more than the return address. In the order of unwinding: a word says
 * where the next one is. */
static bool proves_rarely(const struct spine_frame *frames)
{
    const struct spine_frame *outer = &frames[0], *frame = &frames[1];
    uint64_t slot = frame->slot;
    uintptr_t cfa = outer->sp, saved = cfa - slot;

    if (frame->flags & SPINE_REALIGNED) {
        if (step_load(frame->bp - slot) != cfa)
            return false;
        saved = frame->bp;
        slot = 0;
    }
    return step_load_pc(cfa, slot) == outer->pc &&
           (!(frame->flags & SPINE_CHECKS_SLOT) ||
            step_load(saved) == outer->bp);
}

/* From the innermost of `count` frames, which is known to be right, outwards:
 * the index of the last one that is right. 0: all are. */
static ALWAYS_INLINE uint32_t prove(const struct spine_frame *frames,
                                    uint32_t count)
{
    const struct spine_frame *frame = &frames[count - 1];

    for (; frame > frames; frame--) {
        const struct spine_frame *outer = frame - 1;

        if (UNLIKELY(frame->flags & (SPINE_CHECKS_SLOT | SPINE_REALIGNED))) {
            if (!proves_rarely(outer))
                break;
        } else if (step_load_pc(outer->sp, frame->slot) != outer->pc) {
            break;
        }
    }
    return (uint32_t)(frame - frames);
}

/* How many of `count` frames are not inside sp, and so may still be there. */
static ALWAYS_INLINE uint32_t count_outside(const struct spine_frame *frames,
                                            uint32_t count, uintptr_t sp)
{
    const struct spine_frame *end = &frames[count];

    while (end > frames && end[-1].sp < sp)
        end--;
    return (uint32_t)(end - frames);
}

/* Goes outwards over proven frames[first .. end), gathering them below
 * frames[gathered]; each CFA is known, as the sp of the next. Their rbp is read
 * again, as it was not proven where nobody demanded it. */
static void gather_proven(struct spine_frame *frames, uint32_t first,
                          uint32_t end, uint32_t gathered,
                          struct walk_start *at)
{
    for (uint32_t i = end; i-- > first;) {
        struct spine_frame *frame = &frames[--gathered];
        uint64_t slot;

        *frame = frames[i];
        frame->bp = at->bp;
        slot = frame->slot;
        at->sp = frames[i - 1].sp;
        if (UNLIKELY(frame->flags & SPINE_REALIGNED)) {
            at->bp = step_load(at->bp);
            slot = 0;
        } else if (slot != 0) {
            at->bp = step_load(at->sp - slot);
        }
        at->pc = step_load_pc(at->sp, slot);
    }
}

/* Appends the gathered frames: hashes them, and finds out which rbp matters,
 * from the root inwards. */
static void append(struct spine *spine, uint32_t count, uint32_t gathered,
                   uint64_t origin)
{
    struct spine_frame *frames = spine->frames;
    uint64_t path =
        count ? frames[count - 1].path : path_start(origin, spine->truncated);
    uint32_t demanded = count ? frames[count - 1].flags & SPINE_DEMANDS_BP : 0;

    for (uint32_t i = gathered; i < SPINE_FRAMES; i++, count++) {
        struct spine_frame *frame = &frames[count];
        uint32_t flags = frames[i].flags & (SPINE_USES_BP | SPINE_REALIGNED);

        *frame = frames[i];
        if (UNLIKELY(demanded && frame->slot != 0))
            flags |= SPINE_CHECKS_SLOT;
        else
            flags |= demanded;
        if (flags & SPINE_USES_BP)
            flags |= SPINE_DEMANDS_BP;
        demanded = flags & SPINE_DEMANDS_BP;
        path = path_step(path, frame->pc);
        frame->path = path;
        frame->flags = flags;
    }
    COMPILER_BARRIER();
    spine->count = count;
}

enum outcome { GO_ON, AT_ROOT, BEYOND_RULES };

/* Adds the frame at *at, which the spine does not have, to those gathered, and
 * goes one outwards. What ended a stack must not hang on a word that nobody
 * proves: a return address of zero is beyond the rules. */
static ALWAYS_INLINE enum outcome
gather_new(struct spine *spine, uint32_t gathered, struct walk_start *at)
{
    uint32_t rule = rules_get(at->pc);
    struct spine_frame *frame = &spine->frames[gathered];

    frame->pc = at->pc;
    frame->sp = at->sp;
    frame->bp = at->bp;
    frame->slot = CFI_BP_SLOT(rule);
    frame->flags = CFI_KIND(rule) == CFI_BP ? SPINE_USES_BP : 0;
    spine->truncated = false;
    if (LIKELY(step_has_rule(rule))) {
        if (LIKELY(step_out(at, rule)))
            return LIKELY(at->pc) ? GO_ON : BEYOND_RULES;
        spine->truncated = true;
        return AT_ROOT;
    }
    if (CFI_KIND(rule) == CFI_REALIGNED) {
        frame->flags = SPINE_USES_BP | SPINE_REALIGNED;
        return step_out_realigned(at, rule, WALK_FRAME_SIZE_MAX) && at->pc
                   ? GO_ON
                   : BEYOND_RULES;
    }
    return CFI_KIND(rule) == CFI_END ? AT_ROOT : BEYOND_RULES;
}

bool spine_walk(struct spine *spine, const struct walk_start *start,
                uint64_t origin)
{
    struct spine_frame *frames = spine->frames;
    uint32_t count = spine->count, gathered = SPINE_FRAMES;
    bool truncated = spine->truncated;
    struct walk_start at = *start;
    enum outcome outcome = GO_ON;

    spine->count = 0;
    COMPILER_BARRIER();
    while (outcome == GO_ON) {
        count = count_outside(frames, count, at.sp);
        if (count > 0 && frame_is(&frames[count - 1], &at)) {
            uint32_t last = prove(frames, count);

            spine->truncated = truncated;
            if (LIKELY(last == 0))
                break;
            if (SPINE_FRAMES - gathered + count - last > SEGMENT_DEPTH_MAX)
                return false;
            gather_proven(frames, last, count, gathered, &at);
            gathered -= count - last;
            count = last;
            if (UNLIKELY(!at.pc))
                outcome = BEYOND_RULES;
        } else {
            if (UNLIKELY(SPINE_FRAMES - gathered == SEGMENT_DEPTH_MAX ||
                         gathered == count))
                return false;
            outcome = gather_new(spine, --gathered, &at);
        }
    }
    if (outcome == AT_ROOT)
        count = 0;
    if (UNLIKELY(outcome == BEYOND_RULES ||
                 count + SPINE_FRAMES - gathered > SEGMENT_DEPTH_MAX))
        return false;
    WALK_COUNT(joined, 1);
    WALK_COUNT(kept_frames, count);
    WALK_COUNT(new_frames, SPINE_FRAMES - gathered);
    WALK_COUNT_NEW(SPINE_FRAMES - gathered);
    append(spine, count, gathered, origin);
    return true;
}

void spine_read(const struct spine *spine, uintptr_t *pcs)
{
    for (uint32_t i = spine->count; i-- > 0;)
        *pcs++ = spine->frames[i].pc;
}
