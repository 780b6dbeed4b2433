/* SPDX-License-Identifier: MIT */
/*
 * walk.c - see walk.h.
 *
 * Three loads a frame: the rule, the return address, sometimes bp.
 */
#include "walk.h"

#include "arch.h"
#include "cc.h"
#include "frame.h"
#include "guess.h"
#include "rules.h"
#include "step.h"
#include "walk_escape.h"

/* Where the walk may go from here: see step.h. */
static uintptr_t room_to(uintptr_t end, uintptr_t sp)
{
    uintptr_t room = end - sp;

    return LIKELY(room >= WALK_FRAME_SIZE_MAX) ? WALK_FRAME_SIZE_MAX : room;
}

/*
 * Adds the frames from *at outwards; `tag` is of the first. `end` is that of
 * the stack, where the walk is held to it, as after a guess; else UINTPTR_MAX.
 * False when it takes all registers: then what was added is of no use.
 */
static bool walk_by_rules(struct walk_out *out, struct walk_start at,
                          uintptr_t tag, uintptr_t end)
{
    bool guessed = tag & WALK_FRAME_GUESSED;

    while (walk_add(out, at.pc, tag)) {
        uint32_t rule =
            LIKELY(at.pc < RULES_PC_MAX) ? rules_get(at.pc) : CFI_NONE;
        enum cfi_kind kind = CFI_KIND(rule);
        bool moved;

        tag = 0;
        if (kind == CFI_END)
            return true;
        if (UNLIKELY(kind == CFI_NONE || kind == CFI_NO_CODE ||
                     (guessed && !ARCH_RECORD_ENDS_FRAME))) {
            if (!guessed && arch_signal_context(at.pc, at.sp))
                return false;
            if (end == UINTPTR_MAX)
                end = guess_stack_end(at.sp);
            moved = guess_out(&at, end);
            tag = WALK_FRAME_GUESSED;
            guessed = true;
        } else if (LIKELY(step_has_rule(rule))) {
            moved = step_out_within(&at, rule, room_to(end, at.sp));
        } else if (kind == CFI_REALIGNED) {
            moved = step_out_realigned(&at, rule, room_to(end, at.sp));
        } else {
            return false;
        }
        if (UNLIKELY(!moved))
            break; /* no unwind tables, or wrong ones */
        if (!at.pc)
            return true;
    }
    out->flags |= WALK_TRUNCATED;
    return true;
}

size_t walk_capture(const struct walk_start *start, uintptr_t *frames,
                    size_t frames_max, unsigned *flags)
{
    struct walk_out out = {frames, 0, frames_max, WALK_COMPLETE};

    if (UNLIKELY(!walk_by_rules(&out, *start, 0, UINTPTR_MAX)))
        return walk_escape(start, frames, frames_max, flags);
    *flags = out.flags;
    return out.count;
}

size_t walk_capture_context(const ucontext_t *context, uintptr_t *frames,
                            size_t frames_max, unsigned *flags)
{
    struct walk_out out = {frames, 0, frames_max, WALK_COMPLETE};
    struct frame frame;

    frame_interrupted(&frame, context);
    walk_add(&out, frame.pc, frame.tag);
    if (frame.asks || frame_out(&frame) != FRAME_MOVED ||
        (frame.tag & WALK_FRAME_EXACT) ||
        !walk_by_rules(&out,
                       (struct walk_start){frame.pc, frame.registers[ARCH_SP],
                                           frame.registers[ARCH_BP]},
                       frame.tag, frame.high)) {
        out.count = 0;
        out.flags = WALK_COMPLETE;
        frame_interrupted(&frame, context);
        walk_escape_from(&out, &frame);
    }
    *flags = out.flags;
    return out.count;
}

void walk_forget(uintptr_t start, uintptr_t end)
{
    rules_forget(start, end);
}
