/* SPDX-License-Identifier: MIT */
/*
 * rules.h - remembered unwind rules, by return address.
 *
 * One global array of single words. A key x = pc * ODD mod 2^48 is a bijection
 * of the address; its high 16 bits choose the slot and its low 32 are kept
 * beside the 32-bit rule, so a hit is exact although no address is stored:
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
#define RULES_ODD        UINT64_C(0x9e3779b97f4b)
#define RULES_PC_MAX     (UINT64_C(1) << 48)
#define RULES_KEY_MASK   (RULES_PC_MAX - 1)

extern HIDDEN uint64_t rules[1u << RULES_INDEX_BITS];

/* Finds the rule by cfi.h and remembers it. */
COLD uint32_t rules_find(uintptr_t return_address);

static ALWAYS_INLINE uint32_t rules_get(uintptr_t return_address)
{
    uint64_t key = (return_address * RULES_ODD) & RULES_KEY_MASK;
    uint64_t word = __atomic_load_n(&rules[key >> 32], __ATOMIC_RELAXED);

    if (LIKELY((uint32_t)(word >> 32) == (uint32_t)key && word != 0))
        return (uint32_t)word;
    return rules_find(return_address);
}

/* Forgets all rules of code in [start, end). */
void rules_forget(uintptr_t start, uintptr_t end);

#endif
