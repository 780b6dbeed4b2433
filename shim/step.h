/* SPDX-License-Identifier: MIT */
/*
 * step.h - one frame outwards, by a rule that needs rsp and rbp only.
 *
 * The stack is read directly, without asking whether it can be: with right
 * rules these are the very words that the program reads when it returns, and
 * each CFA must lie above the last. Read next: cfi.h, walk.h.
 */
#ifndef PREPROF_STEP_H
#define PREPROF_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "cc.h"
#include "cfi.h"
#include "walk.h"

/* A frame larger than this is a wrong rule, or another stack. */
#define STEP_FRAME_SIZE_MAX (UINT64_C(16) << 20)

static ALWAYS_INLINE uintptr_t step_load(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

/* Whether a rule is one for step_out(). */
static ALWAYS_INLINE bool step_has_rule(uint32_t rule)
{
    return CFI_KIND(rule) == CFI_SP || CFI_KIND(rule) == CFI_BP;
}

/* Moves *at to the calling frame; false, and *at as it was, when the rule
 * leads nowhere. */
static ALWAYS_INLINE bool step_out(struct walk_start *at, uint32_t rule)
{
    uintptr_t cfa =
        (CFI_KIND(rule) == CFI_SP ? at->sp : at->bp) + CFI_OFFSET(rule);

    if (UNLIKELY(cfa - at->sp - 1 >= STEP_FRAME_SIZE_MAX || cfa % 8))
        return false;
    if (CFI_BP_SLOT(rule) != 0)
        at->bp = step_load(cfa - CFI_BP_SLOT(rule));
    at->pc = step_load(cfa - 8);
    at->sp = cfa;
    return true;
}

#endif
