/* SPDX-License-Identifier: MIT */
/*
 * walk.c - see walk.h.
 *
 * Three loads a frame: the rule, the return address, sometimes rbp. The stack
 * is read directly, without asking whether it can be: with right rules these
 * are the very words that the program reads when it returns, and each CFA must
 * lie above the last.
 */
#include "walk.h"

#include "cc.h"
#include "cfi.h"
#include "rules.h"
#include "walk_escape.h"

/* A frame larger than this is a wrong rule, or another stack. */
#define FRAME_SIZE_MAX (UINT64_C(16) << 20)

size_t walk_capture(const struct walk_start *start, uintptr_t *pcs,
                    size_t frames_max, unsigned *flags)
{
    uintptr_t pc = start->pc, sp = start->sp, bp = start->bp;
    size_t frames = 0;

    *flags = WALK_COMPLETE;
    while (pc) {
        uint32_t rule;
        uintptr_t cfa;

        if (UNLIKELY(frames == frames_max)) {
            *flags = WALK_TRUNCATED;
            break;
        }
        pcs[frames++] = pc;
        rule = rules_get(pc);
        if (LIKELY(CFI_KIND(rule) == CFI_SP))
            cfa = sp + CFI_OFFSET(rule);
        else if (CFI_KIND(rule) == CFI_BP)
            cfa = bp + CFI_OFFSET(rule);
        else if (CFI_KIND(rule) == CFI_END)
            break;
        else if (CFI_KIND(rule) == CFI_ESCAPE)
            return walk_escape(start, pcs, frames_max, flags);
        else {
            *flags = WALK_TRUNCATED; /* code without unwind tables */
            break;
        }
        if (UNLIKELY(cfa - sp - 1 >= FRAME_SIZE_MAX || cfa % 8)) {
            *flags = WALK_TRUNCATED;
            break;
        }
        if (CFI_BP_SLOT(rule) != 0)
            bp = *(const uintptr_t *)(cfa - CFI_BP_SLOT(rule));
        pc = *(const uintptr_t *)(cfa - 8);
        sp = cfa;
    }
    return frames;
}

void walk_forget(uintptr_t start, uintptr_t end)
{
    rules_forget(start, end);
}
