/* SPDX-License-Identifier: MIT */
/*
 * extent.c - see extent.h.
 *
 * States of a slot: NULL -> address, once, by compare-and-swap. The release
 * of that exchange pairs with the acquire in extent_get(): whoever sees the
 * address sees zeroed, populated memory.
 *
 * States of a table entry: 0 -> word, once, by the thread that won the slot.
 * Others may already write into the extent before its entry is visible; a
 * process killed in between (a few instructions) loses that one extent, and
 * nothing that the reader follows points outside what it can see.
 *
 * The loser's extent becomes the spare one, 0 -> index + 1 -> 0, so that a
 * race costs no room. A spare that finds the place taken is given up: its
 * entry stays 0 and readers skip it.
 */
#include "extent.h"

#include "life.h"
#include "os.h"
#include "reserve.h"

/* A segment that was full once is asked again at every power of two of
 * refusals: tmpfs may have been emptied, but asking is a system call. */
static bool worth_asking(uint32_t refused)
{
    return (refused & (refused - 1)) == 0;
}

static char *address_of(uint32_t index)
{
    return life->extents + (uint64_t)index * SEGMENT_EXTENT_SIZE;
}

/* The index of a populated extent nobody uses, or RESERVE_NONE. */
static uint32_t claim(void)
{
    struct segment_header *header = life->header;
    uint32_t index =
        __atomic_exchange_n(&life->spare_extent, 0, __ATOMIC_ACQUIRE);

    if (index > 0)
        return index - 1;
    index = reserve(&header->extents_used, 1, header->extents_max);
    if (index == RESERVE_NONE ||
        os_populate(address_of(index), SEGMENT_EXTENT_SIZE) == 0)
        return index;

    /* No pages: hand the index back unless somebody took the one behind it. */
    uint32_t expected = index + 1;
    __atomic_compare_exchange_n(&header->extents_used, &expected, index, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return RESERVE_NONE;
}

void *extent_take(void **slot, enum segment_extent_type type, uint32_t owner,
                  uint32_t base)
{
    uint32_t refused = __atomic_load_n(&life->refused, __ATOMIC_RELAXED);
    uint32_t index = worth_asking(refused) ? claim() : RESERVE_NONE;
    void *expected = NULL;
    void *extent;

    if (index == RESERVE_NONE) {
        __atomic_fetch_add(&life->refused, 1, __ATOMIC_RELAXED);
        life_lose(SEGMENT_LOSS_NO_ROOM, 1);
        return NULL;
    }
    extent = address_of(index);
    if (!__atomic_compare_exchange_n(slot, &expected, extent, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        uint32_t none = 0;
        __atomic_compare_exchange_n(&life->spare_extent, &none, index + 1,
                                    false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
        return expected;
    }
    __atomic_store_n(&life->table[index],
                     SEGMENT_EXTENT_WORD(type, owner, base), __ATOMIC_RELEASE);
    return extent;
}
