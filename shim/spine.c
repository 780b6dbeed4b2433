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
static NOINLINE bool proves_rarely(const struct spine_frame *frames)
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

/* From the innermost of frames[0 .. end), which is known to be right, outwards:
 * the last one that is right. The first: all are. */
static ALWAYS_INLINE struct spine_frame *prove(struct spine_frame *frames,
                                               struct spine_frame *end)
{
    struct spine_frame *frame = end - 1;

    for (; frame > frames; frame--) {
        const struct spine_frame *outer = frame - 1;

        if (UNLIKELY(frame->flags & (SPINE_CHECKS_SLOT | SPINE_REALIGNED))) {
            if (!proves_rarely(outer))
                break;
        } else if (step_load_pc(outer->sp, frame->slot) != outer->pc) {
            break;
        }
    }
    return frame;
}

/* The end of those frames that are not inside sp, and so may still be there. */
static ALWAYS_INLINE struct spine_frame *
end_outside(struct spine_frame *frames, struct spine_frame *end, uintptr_t sp)
{
    while (end > frames && end[-1].sp < sp)
        end--;
    return end;
}

/* Goes outwards over the proven frames [first .. end), gathering them below
 * `gathered`, and returns where they begin; each CFA is known, as the sp of the
 * next. Their rbp is read again, as it was not proven where nobody demanded
 * it. */
static struct spine_frame *gather_proven(const struct spine_frame *first,
                                         const struct spine_frame *end,
                                         struct spine_frame *gathered,
                                         struct walk_start *at)
{
    while (end > first) {
        uint64_t slot;

        *--gathered = *--end;
        gathered->bp = at->bp;
        slot = gathered->slot;
        at->sp = end[-1].sp;
        if (UNLIKELY(gathered->flags & SPINE_REALIGNED)) {
            at->bp = step_load(at->bp);
            slot = 0;
        } else if (slot != 0) {
            at->bp = step_load(at->sp - slot);
        }
        at->pc = step_load_pc(at->sp, slot);
    }
    return gathered;
}

/* Appends the gathered frames at `end`: hashes them, and finds out which rbp
 * matters, from the root inwards. */
static void append(struct spine *spine, struct spine_frame *end,
                   const struct spine_frame *gathered, uint64_t origin)
{
    struct spine_frame *frames = spine->frames;
    uint64_t path =
        end > frames ? end[-1].path : path_start(origin, spine->truncated);
    uint32_t demanded = end > frames ? end[-1].flags & SPINE_DEMANDS_BP : 0;

    for (; gathered < &frames[SPINE_FRAMES]; gathered++, end++) {
        uint32_t flags = gathered->flags & (SPINE_USES_BP | SPINE_REALIGNED);

        *end = *gathered;
        if (UNLIKELY(demanded && end->slot != 0))
            flags |= SPINE_CHECKS_SLOT;
        else
            flags |= demanded;
        if (flags & SPINE_USES_BP)
            flags |= SPINE_DEMANDS_BP;
        demanded = flags & SPINE_DEMANDS_BP;
        path = path_step(path, end->pc);
        end->path = path;
        end->flags = flags;
    }
    COMPILER_BARRIER();
    spine->count = (uint32_t)(end - frames);
}

enum outcome { GO_ON, AT_ROOT, BEYOND_RULES };

/* Writes the frame at *at, which the spine does not have, to *frame, and goes
 * one outwards. What ended a stack must not hang on a word that nobody
 * proves: a return address of zero is beyond the rules. */
static ALWAYS_INLINE enum outcome gather_new(struct spine *spine,
                                             struct spine_frame *frame,
                                             struct walk_start *at)
{
    uint32_t rule = rules_get(at->pc);

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
    struct spine_frame *const frames = spine->frames;
    /* No stack has more: the gathered ones begin no further below the top. */
    struct spine_frame *const lowest =
        &frames[SPINE_FRAMES - SEGMENT_DEPTH_MAX];
    struct spine_frame *end = &frames[spine->count];
    struct spine_frame *gathered = &frames[SPINE_FRAMES];
    bool truncated = spine->truncated;
    struct walk_start at = *start;
    enum outcome outcome = GO_ON;

    spine->count = 0;
    COMPILER_BARRIER();
    while (outcome == GO_ON) {
        end = end_outside(frames, end, at.sp);
        if (end > frames && frame_is(&end[-1], &at)) {
            struct spine_frame *last = prove(frames, end);

            spine->truncated = truncated;
            if (LIKELY(last == frames))
                break;
            if (gathered - lowest < end - last)
                return false;
            gathered = gather_proven(last, end, gathered, &at);
            end = last;
            if (UNLIKELY(!at.pc))
                outcome = BEYOND_RULES;
        } else {
            if (UNLIKELY(gathered == lowest || gathered == end))
                return false;
            outcome = gather_new(spine, --gathered, &at);
        }
    }
    if (outcome == AT_ROOT)
        end = frames;
    if (UNLIKELY(outcome == BEYOND_RULES || gathered - lowest < end - frames))
        return false;
    WALK_COUNT(joined, 1);
    WALK_COUNT(kept_frames, end - frames);
    WALK_COUNT(new_frames, &frames[SPINE_FRAMES] - gathered);
    WALK_COUNT_NEW(&frames[SPINE_FRAMES] - gathered);
    append(spine, end, gathered, origin);
    return true;
}

void spine_read(const struct spine *spine, uintptr_t *pcs)
{
    for (uint32_t i = spine->count; i-- > 0;)
        *pcs++ = spine->frames[i].pc;
}
