/* SPDX-License-Identifier: MIT */
/* rules.c - see rules.h. */
#include "rules.h"

#include "cfi.h"

uint64_t rules[RULES_SLOTS];

uint32_t rules_find(uintptr_t return_address)
{
    uint64_t tag = rules_tag(return_address);
    uint32_t rule = cfi_rule(return_address);

    /* Where there is no object now, one may be loaded later. */
    if (CFI_KIND(rule) != CFI_NONE && return_address < RULES_PC_MAX)
        __atomic_store_n(&rules[rules_slot(return_address)], tag << 32 | rule,
                         __ATOMIC_RELAXED);
    return rule;
}

/* The address whose tag stands in a slot. */
static uint64_t pc_of(uint32_t slot, uint32_t tag)
{
    uint64_t low = tag >> 29, high = tag & ((1u << 29) - 1);

    return high << 19 | (uint64_t)(slot ^ (uint32_t)low << 6) << 3 | low;
}

void rules_forget(uintptr_t start, uintptr_t end)
{
    for (uint32_t i = 0; i < RULES_SLOTS; i++) {
        uint64_t word = __atomic_load_n(&rules[i], __ATOMIC_RELAXED);
        uint64_t pc = pc_of(i, (uint32_t)(word >> 32));

        if (word && pc >= start && pc <= end)
            __atomic_compare_exchange_n(&rules[i], &word, 0, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}
