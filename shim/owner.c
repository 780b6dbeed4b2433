/* SPDX-License-Identifier: MIT */
/* owner.c - see owner.h. */
#include "owner.h"

#include <stddef.h>

#include "os.h"

#define MIDDLE_BYTES ((1u << OWNER_MIDDLE_BITS) * sizeof(uint32_t *))

struct owner_map owner_map;

void owner_begin(uint32_t granule_bits, uint64_t budget_bytes,
                 uint64_t *taken_bytes)
{
    owner_map.granule_bits = granule_bits;
    owner_map.budget_bytes = budget_bytes;
    owner_map.taken_bytes = taken_bytes;
}

static bool spend(uint64_t bytes)
{
    uint64_t taken = __atomic_add_fetch(owner_map.taken_bytes, bytes,
                                        __ATOMIC_RELAXED);

    if (taken <= owner_map.budget_bytes)
        return true;
    __atomic_fetch_sub(owner_map.taken_bytes, bytes, __ATOMIC_RELAXED);
    return false;
}

/* The table that *slot points to, mapped when there is none yet. */
static void *table_make(void **slot, size_t bytes, void *(*map)(size_t))
{
    void *table = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    void *expected = NULL;

    if (table || !spend(bytes))
        return table;
    table = map(bytes);
    if (table &&
        __atomic_compare_exchange_n(slot, &expected, table, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return table;
    if (table)
        os_unmap(table, bytes);
    __atomic_fetch_sub(owner_map.taken_bytes, bytes, __ATOMIC_RELAXED);
    return expected;
}

uint32_t *owner_slot_make(uintptr_t address)
{
    uintptr_t key = address >> owner_map.granule_bits;
    uintptr_t root = key >> (OWNER_LEAF_BITS + OWNER_MIDDLE_BITS);
    uint32_t **middle;

    if (!owner_in_range(address) || root >= 1u << OWNER_ROOT_BITS)
        return NULL;
    /* The middles keep their pointers in a child; its leaves are empty. */
    middle = table_make((void **)&owner_map.roots[(address >> 3) & 1][root],
                        MIDDLE_BYTES, os_map);
    if (!middle)
        return NULL;
    if (!table_make((void **)&middle[(key >> OWNER_LEAF_BITS) &
                                     ((1u << OWNER_MIDDLE_BITS) - 1)],
                    OWNER_LEAF_BYTES, os_map_wiped))
        return NULL;
    return owner_slot(address);
}
