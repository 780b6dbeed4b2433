/* SPDX-License-Identifier: MIT */
/* spine.c - see spine.h. */
#include "spine.h"

#include "path.h"
#include "rules.h"
#include "step.h"

#define SPINE_END (2 * SEGMENT_DEPTH_MAX)

static ALWAYS_INLINE bool frame_is(const struct spine_frame *frame,
                                   const struct walk_start *at)
{
    return SPINE_SP(frame->place) == at->sp && frame->pc == at->pc &&
           (!(frame->place & SPINE_DEMANDS_BP) || frame->bp == at->bp);
}

/* Whether the words that undo frames[1] still lead to frames[0], where that
 * takes more than the return address. In the order of unwinding: a word says
 * where the next one is. */
static bool proves_rarely(const struct spine_frame *frames)
{
    const struct spine_frame *outer = &frames[0], *frame = &frames[1];
    uint64_t slot = SPINE_SLOT(frame->place);
    uintptr_t cfa = SPINE_SP(outer->place), saved = cfa - slot;

    if (frame->place & SPINE_REALIGNED) {
        if (step_load(frame->bp - slot) != cfa)
            return false;
        saved = frame->bp;
        slot = 0;
    }
    return step_load_pc(cfa, slot) == outer->pc &&
           (!(frame->place & SPINE_CHECKS_SLOT) ||
            step_load(saved) == outer->bp);
}

/* From the innermost of `count` frames, which is known to be right, outwards:
 * the index of the last one that is right. 0: all are. */
static ALWAYS_INLINE uint32_t prove(const struct spine_frame *frames,
                                    uint32_t count)
{
    uint32_t i = count - 1;

    for (; i > 0; i--) {
        uint64_t place = frames[i].place;
        const struct spine_frame *outer = &frames[i - 1];

        if (UNLIKELY(place & (SPINE_CHECKS_SLOT | SPINE_REALIGNED))) {
            if (!proves_rarely(outer))
                break;
        } else if (step_load_pc(SPINE_SP(outer->place), SPINE_SLOT(place)) !=
                   outer->pc) {
            break;
        }
    }
    return i;
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
        slot = SPINE_SLOT(frame->place);
        at->sp = SPINE_SP(frames[i - 1].place);
        if (UNLIKELY(frame->place & SPINE_REALIGNED)) {
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
                   uint64_t remaps)
{
    struct spine_frame *frames = spine->frames;
    uint64_t path =
        count ? frames[count - 1].path : path_start(remaps, spine->truncated);
    uint64_t demanded = count ? frames[count - 1].place & SPINE_DEMANDS_BP : 0;

    for (uint32_t i = gathered; i < SPINE_END; i++, count++) {
        uint64_t place =
            frames[i].place & ~(SPINE_DEMANDS_BP | SPINE_CHECKS_SLOT);

        if (UNLIKELY(demanded && SPINE_SLOT(place) != 0))
            place |= SPINE_CHECKS_SLOT;
        else
            place |= demanded;
        if (place & SPINE_USES_BP)
            place |= SPINE_DEMANDS_BP;
        demanded = place & SPINE_DEMANDS_BP;
        path = path_step(path, frames[i].pc);
        frames[count] =
            (struct spine_frame){frames[i].pc, place, frames[i].bp, path};
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
    frame->bp = at->bp;
    frame->place = at->sp | (uint64_t)CFI_BP_SLOT(rule) << (48 - 3);
    if (CFI_KIND(rule) == CFI_BP)
        frame->place |= SPINE_USES_BP;
    spine->truncated = false;
    if (LIKELY(step_has_rule(rule))) {
        if (LIKELY(step_out(at, rule)))
            return LIKELY(at->pc) ? GO_ON : BEYOND_RULES;
        spine->truncated = true;
        return AT_ROOT;
    }
    if (CFI_KIND(rule) == CFI_REALIGNED) {
        frame->place |= SPINE_USES_BP | SPINE_REALIGNED;
        return step_out_realigned(at, rule, WALK_FRAME_SIZE_MAX) && at->pc
                   ? GO_ON
                   : BEYOND_RULES;
    }
    return CFI_KIND(rule) == CFI_END ? AT_ROOT : BEYOND_RULES;
}

bool spine_walk(struct spine *spine, const struct walk_start *start,
                uint64_t remaps)
{
    struct spine_frame *frames = spine->frames;
    uint32_t count = spine->count, gathered = SPINE_END;
    bool truncated = spine->truncated;
    struct walk_start at = *start;
    enum outcome outcome = GO_ON;

    spine->count = 0;
    COMPILER_BARRIER();
    while (outcome == GO_ON) {
        while (count > 0 && SPINE_SP(frames[count - 1].place) < at.sp)
            count--;
        if (count > 0 && frame_is(&frames[count - 1], &at)) {
            uint32_t last = prove(frames, count);

            spine->truncated = truncated;
            if (LIKELY(last == 0))
                break;
            if (SPINE_END - gathered + count - last > SEGMENT_DEPTH_MAX)
                return false;
            gather_proven(frames, last, count, gathered, &at);
            gathered -= count - last;
            count = last;
            if (UNLIKELY(!at.pc))
                outcome = BEYOND_RULES;
        } else {
            if (UNLIKELY(SPINE_END - gathered == SEGMENT_DEPTH_MAX))
                return false;
            outcome = gather_new(spine, --gathered, &at);
        }
    }
    if (outcome == AT_ROOT)
        count = 0;
    if (UNLIKELY(outcome == BEYOND_RULES ||
                 count + SPINE_END - gathered > SEGMENT_DEPTH_MAX))
        return false;
    append(spine, count, gathered, remaps);
    return true;
}

void spine_read(const struct spine *spine, uintptr_t *pcs)
{
    for (uint32_t i = spine->count; i-- > 0;)
        *pcs++ = spine->frames[i].pc;
}
