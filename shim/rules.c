/* SPDX-License-Identifier: MIT */
/* rules.c - see rules.h. */
#include "rules.h"

#include "cfi.h"

uint64_t rules[1u << RULES_INDEX_BITS];

uint32_t rules_find(uintptr_t return_address)
{
    uint64_t key = (return_address * RULES_ODD) & RULES_KEY_MASK;
    uint32_t rule = cfi_rule(return_address);

    /* Where there is no object now, one may be loaded later. */
    if (CFI_KIND(rule) != CFI_NONE && return_address < RULES_PC_MAX)
        __atomic_store_n(&rules[key >> 32], key << 32 | rule,
                         __ATOMIC_RELAXED);
    return rule;
}

/* The inverse of RULES_ODD modulo 2^64, hence also modulo 2^48: each step of
 * Newton's doubles the number of right bits, from 3. */
static uint64_t inverse(void)
{
    uint64_t x = RULES_ODD;

    for (int i = 0; i < 5; i++)
        x *= 2 - RULES_ODD * x;
    return x;
}

void rules_forget(uintptr_t start, uintptr_t end)
{
    uint64_t factor = inverse();

    for (uint64_t i = 0; i < 1u << RULES_INDEX_BITS; i++) {
        uint64_t word = __atomic_load_n(&rules[i], __ATOMIC_RELAXED);
        uint64_t pc = ((i << 32 | word >> 32) * factor) & RULES_KEY_MASK;

        if (word && pc >= start && pc <= end)
            __atomic_compare_exchange_n(&rules[i], &word, 0, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}
