/* SPDX-License-Identifier: MIT */
/*
 * walk.c - see walk.h.
 *
 * Three loads a frame: the rule, the return address, sometimes rbp.
 */
#include "walk.h"

#include "cc.h"
#include "rules.h"
#include "step.h"
#include "walk_escape.h"

size_t walk_capture(const struct walk_start *start, uintptr_t *pcs,
                    size_t frames_max, unsigned *flags)
{
    struct walk_start at = *start;
    size_t frames = 0;

    *flags = WALK_COMPLETE;
    while (at.pc) {
        uint32_t rule;

        if (UNLIKELY(frames == frames_max)) {
            *flags = WALK_TRUNCATED;
            break;
        }
        pcs[frames++] = at.pc;
        rule = rules_get(at.pc);
        if (CFI_KIND(rule) == CFI_END)
            break;
        if (UNLIKELY(CFI_KIND(rule) == CFI_ESCAPE))
            return walk_escape(start, pcs, frames_max, flags);
        if (UNLIKELY(!step_has_rule(rule) || !step_out(&at, rule))) {
            *flags = WALK_TRUNCATED; /* no unwind tables, or wrong ones */
            break;
        }
    }
    return frames;
}

void walk_forget(uintptr_t start, uintptr_t end)
{
    rules_forget(start, end);
}
