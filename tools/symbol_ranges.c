/* SPDX-License-Identifier: MIT */
/*
 * symbol_ranges.c - which of many address ranges an address is in.
 * Must never grow past SYMBOL_RANGES_MAX. Read next: symbol_dwarf.c.
 */
#include "symbol_ranges.h"

#include <stdlib.h>

bool symbol_ranges_add(struct symbol_ranges *set, struct symbol_range range)
{
    if (set->count == set->size) {
        size_t size = set->size != 0 ? 2 * set->size : 16;
        struct symbol_range *ranges =
            size <= SYMBOL_RANGES_MAX
                ? reallocarray(set->ranges, size, sizeof(*ranges))
                : NULL;
        if (ranges == NULL)
            return false;
        set->ranges = ranges;
        set->size = size;
    }
    set->ranges[set->count++] = range;
    return true;
}

static int range_compare(const void *a, const void *b)
{
    const struct symbol_range *left = a, *right = b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    if (left->end != right->end)
        return left->end < right->end ? -1 : 1;
    return left->owner > right->owner ? -1 : left->owner < right->owner;
}

void symbol_ranges_settle(struct symbol_ranges *set)
{
    if (set->count == 0)
        return;
    qsort(set->ranges, set->count, sizeof(*set->ranges), range_compare);
    /* Only functions that are one code under several names overlap. Any of
     * them is right; equal ranges come in such an order that the lowest owner
     * is left. */
    for (size_t i = 0; i + 1 < set->count; i++)
        if (set->ranges[i].end > set->ranges[i + 1].start)
            set->ranges[i].end = set->ranges[i + 1].start;
}

const struct symbol_range *symbol_ranges_find(const struct symbol_ranges *set,
                                              uint64_t address)
{
    size_t low = 0, high = set->count; /* the first that starts beyond */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct symbol_range *range = low > 0 ? &set->ranges[low - 1] : NULL;
    return range != NULL && address < range->end ? range : NULL;
}

void symbol_ranges_free(struct symbol_ranges *set)
{
    free(set->ranges);
    *set = (struct symbol_ranges){0};
}
