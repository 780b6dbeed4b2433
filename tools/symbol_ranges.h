/* SPDX-License-Identifier: MIT */
/*
 * symbol_ranges.h - which of many address ranges an address is in.
 *
 * Filled, settled, then asked. Must not be asked before it is settled.
 * Read next: symbol_dwarf.h.
 */
#ifndef PREPROF_SYMBOL_RANGES_H
#define PREPROF_SYMBOL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_RANGES_MAX ((size_t)1 << 23) /* of one set */

/* Addresses [start, end) and what they belong to. */
struct symbol_range {
    uint64_t start;
    uint64_t end;
    uint64_t owner;
};

/* All zero is the empty set. */
struct symbol_ranges {
    struct symbol_range *ranges;
    size_t count;
    size_t size;
};

/* False when memory is short or the set is full. */
bool symbol_ranges_add(struct symbol_ranges *set, struct symbol_range range);

/* Sorts, and ends each range where the next one begins. */
void symbol_ranges_settle(struct symbol_ranges *set);

/* The range with the address in it, or NULL. */
const struct symbol_range *symbol_ranges_find(const struct symbol_ranges *set,
                                              uint64_t address);

void symbol_ranges_free(struct symbol_ranges *set);

#endif
