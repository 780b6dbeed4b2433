/* SPDX-License-Identifier: MIT */
/*
 * rules.h - remembered unwind rules, by return address.
 *
 * One global array of single words. Of the 48 bits of an address 16 choose the
 * slot, and the other 32 are kept beside the 32-bit rule, so a hit is exact:
 *
 *   pc 47     19 18        3 2   0     slot = 18..3 with 2..0 folded into it
 *     [   tag   |    slot   | tag ]    tag = 2..0 | 47..19
 *
 * So a page of code has a page of rules, and a program touches as many as it
 * has pages of code that allocate (a hash over all bits touched every one of
 * 128 pages, and faults were half of what a short process paid). The low bits
 * are folded in because calls may follow each other within 8 bytes.
 *
 *
 *   slot: 0 (empty) -> tag << 32 | rule -> another ... -> 0 (rules_forget)
 *
 * Any thread may overwrite any slot at any time with one relaxed store; a word
 * is never torn and says for itself what it is a rule of. Nothing else depends
 * on the order. A pc of RULES_PC_MAX or more is no code. Read next: cfi.h.
 */
#ifndef PREPROF_RULES_H
#define PREPROF_RULES_H

#include <stdint.h>

#include "cc.h"

#define RULES_INDEX_BITS 16
#define RULES_SLOTS      (1u << RULES_INDEX_BITS)
#define RULES_PC_MAX     (UINT64_C(1) << 48)

extern HIDDEN uint64_t rules[RULES_SLOTS];

static ALWAYS_INLINE uint32_t rules_slot(uintptr_t pc)
{
    return (uint32_t)(pc >> 3 ^ (pc & 7) << 6) % RULES_SLOTS;
}

static ALWAYS_INLINE uint32_t rules_tag(uintptr_t pc)
{
    return (uint32_t)(pc >> 19 | pc << 29);
}

/* Finds the rule by cfi.h and remembers it. */
COLD uint32_t rules_find(uintptr_t return_address);

static ALWAYS_INLINE uint32_t rules_get(uintptr_t return_address)
{
    uint64_t word =
        __atomic_load_n(&rules[rules_slot(return_address)], __ATOMIC_RELAXED);

    if (LIKELY(word >> 32 == rules_tag(return_address) && word != 0))
        return (uint32_t)word;
    return rules_find(return_address);
}

/* Forgets all rules of code in [start, end). */
void rules_forget(uintptr_t start, uintptr_t end);

#endif
