/* SPDX-License-Identifier: MIT */
/*
 * step.h - one frame outwards, by a rule that needs sp and bp only.
 *
 * The stack is read directly, without asking whether it can be: with right
 * rules these are the very words that the program reads when it returns, and
 * each CFA must lie above the last, by less than `room`: WALK_FRAME_SIZE_MAX,
 * and after a guess no more than is left of the stack. Read next: cfi.h,
 * walk.h.
 */
#ifndef PREPROF_STEP_H
#define PREPROF_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "cc.h"
#include "cfi.h"
#include "walk.h"

static ALWAYS_INLINE uintptr_t step_load(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

/* The return address of the frame whose CFA this is, and whose rule has the
 * slot. */
static ALWAYS_INLINE uintptr_t step_load_pc(uintptr_t cfa, uint64_t slot)
{
    return arch_code_address(step_load(cfa - ARCH_RETURN_SLOT(slot)));
}

/* Whether a rule is one for step_out_within(). */
static ALWAYS_INLINE bool step_has_rule(uint32_t rule)
{
    return CFI_KIND(rule) == CFI_SP || CFI_KIND(rule) == CFI_BP;
}

/* Moves *at to the calling frame; false, and *at as it was, when the rule
 * leads nowhere. */
static ALWAYS_INLINE bool step_out_within(struct walk_start *at, uint32_t rule,
                                          uintptr_t room)
{
    uintptr_t cfa =
        (CFI_KIND(rule) == CFI_SP ? at->sp : at->bp) + CFI_OFFSET(rule);

    if (UNLIKELY(cfa - at->sp - 1 >= room || cfa % 8))
        return false;
    at->pc = step_load_pc(cfa, CFI_BP_SLOT(rule));
    if (CFI_BP_SLOT(rule) != 0)
        at->bp = step_load(cfa - CFI_BP_SLOT(rule));
    at->sp = cfa;
    return true;
}

static ALWAYS_INLINE bool step_out(struct walk_start *at, uint32_t rule)
{
    return step_out_within(at, rule, WALK_FRAME_SIZE_MAX);
}

/* The same by a rule of the kind CFI_REALIGNED. */
static ALWAYS_INLINE bool step_out_realigned(struct walk_start *at,
                                             uint32_t rule, uintptr_t room)
{
    uintptr_t cfa;

    if (at->bp - at->sp >= room || at->bp % 8)
        return false;
    cfa = step_load(at->bp - CFI_BP_SLOT(rule));
    if (cfa - at->sp - 1 >= room || cfa % 8)
        return false;
    at->pc = step_load_pc(cfa, 0);
    at->bp = step_load(at->bp);
    at->sp = cfa;
    return true;
}

#endif
