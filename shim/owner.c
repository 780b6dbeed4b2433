/* SPDX-License-Identifier: MIT */
/* owner.c - see owner.h. */
#include "owner.h"

#include <stddef.h>

#include "os.h"

#define MIDDLES      (1u << OWNER_MIDDLE_BITS)
#define MIDDLE_BYTES (MIDDLES * sizeof(uint32_t *))

/* How far a data segment may grow while we are in its way. */
#define BREAK_ROOM ((uintptr_t)32 << 30)

struct owner_map owner_map;

void owner_begin(enum owner_distance distance, uint64_t budget_bytes,
                 uint64_t *taken_bytes)
{
    owner_map.planes =
        distance == OWNER_DISTANCE_8 ? (1u << OWNER_PLANE_BITS) - 1 : 0;
    owner_map.budget_bytes = budget_bytes;
    owner_map.taken_bytes = taken_bytes;
    owner_map.refused = 0;
}

static void unspend(uint64_t bytes)
{
    __atomic_fetch_sub(owner_map.taken_bytes, bytes, __ATOMIC_RELAXED);
}

static bool spend(uint64_t bytes)
{
    uint64_t taken =
        __atomic_add_fetch(owner_map.taken_bytes, bytes, __ATOMIC_RELAXED);

    if (taken <= owner_map.budget_bytes)
        return true;
    unspend(bytes);
    return false;
}

/* ---- giving back ------------------------------------------------------- */

/*
 * A word belongs to whoever owns the block, so nobody but a block's owner looks
 * at its leaf, and a block is recorded while its memory is mapped. So we take
 * the addresses: while nothing but our reservation is mapped in a leaf's range,
 * no block is there, no allocator can get memory for one, no thread is in the
 * leaf, and no other thread takes it away. It costs the hot path nothing. A
 * word that still stands there is that of a block whose memory was unmapped
 * without a free; it was in use for ever before, and is so now.
 *
 * A program that maps over whatever is there (MAP_FIXED) where it has reserved
 * nothing loses against any other thread's malloc, and against this. What
 * brk() may want meanwhile is not reserved.
 */
static void leaf_try(uint32_t **slot, uint16_t *leaves, uintptr_t start)
{
    uintptr_t range = (uintptr_t)1 << (OWNER_LEAF_BITS + OWNER_GRANULE_BITS);
    uintptr_t data_end = os_break();
    uint32_t *leaf;

    if ((start < data_end + BREAK_ROOM && start + range > data_end) ||
        !os_reserve(start, range))
        return;
    leaf = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
    if (leaf) {
        os_unmap(leaf, OWNER_LEAF_BYTES);
        unspend(OWNER_LEAF_BYTES);
        __atomic_fetch_sub(leaves, 1, __ATOMIC_RELAXED);
    }
    os_unmap((void *)start, range);
}

/*
 * Looks at the next few leaves, in the order of addresses, round and round.
 * Called for each leaf that is wanted: so there are never many more than twice
 * as many as are needed, whoever makes them, and nobody looks for long.
 */
static void sweep(void)
{
    uint32_t at = __atomic_load_n(&owner_map.swept, __ATOMIC_RELAXED);
    uint32_t looked = 0;

    for (uint32_t step = 0;
         step < OWNER_SWEEP_STEPS && looked < OWNER_SWEEP_LEAVES; step++) {
        uint32_t i = at % MIDDLES, tree = at / MIDDLES % OWNER_TREES;
        uintptr_t root = tree >> OWNER_PLANE_BITS;
        uint16_t *leaves = &owner_map.leaves[tree];
        uint32_t **middle;

        if (!__atomic_load_n(leaves, __ATOMIC_ACQUIRE)) {
            at += MIDDLES - i; /* all of this tree's */
            continue;
        }
        at++;
        middle = __atomic_load_n(&owner_map.trees[tree], __ATOMIC_ACQUIRE);
        if (!__atomic_load_n(&middle[i], __ATOMIC_RELAXED))
            continue;
        leaf_try(&middle[i], leaves,
                 (root * MIDDLES + i)
                     << (OWNER_LEAF_BITS + OWNER_GRANULE_BITS));
        looked++;
    }
    __atomic_store_n(&owner_map.swept, at, __ATOMIC_RELAXED);
}

/* ---- making ------------------------------------------------------------ */

/* Looking for room is system calls. When there was none it is looked for again
 * at every power of two of refusals, and no rarer than each OWNER_PAUSE. */
static bool worth_looking(uint32_t refused)
{
    return (refused & (refused - 1)) == 0 || refused % OWNER_PAUSE == 0;
}

/* Maps the table that *slot points to. *made tells that it was this call that
 * did. NULL when there is no room. */
static void *table_make(void **slot, size_t bytes, void *(*map)(size_t),
                        bool *made)
{
    void *table = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    void *expected = NULL;

    *made = false;
    if (table || !spend(bytes))
        return table;
    table = map(bytes);
    if (table &&
        __atomic_compare_exchange_n(slot, &expected, table, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        *made = true;
        return table;
    }
    if (table)
        os_unmap(table, bytes);
    unspend(bytes);
    return expected;
}

/* The leaf of an address in its tree, or NULL when there is no room. */
static uint32_t *leaf_make(uintptr_t address)
{
    uintptr_t tree = owner_tree(address, owner_map.planes);
    uint32_t **middle, *leaf;
    bool made;

    sweep();
    /* The middles keep their pointers in a child; its leaves are empty. */
    middle = table_make((void **)&owner_map.trees[tree], MIDDLE_BYTES, os_map,
                        &made);
    if (!middle)
        return NULL;
    leaf = table_make(
        (void **)&middle[(address >> (OWNER_LEAF_BITS + OWNER_GRANULE_BITS)) %
                         MIDDLES],
        OWNER_LEAF_BYTES, os_map_wiped, &made);
    if (made)
        __atomic_fetch_add(&owner_map.leaves[tree], 1, __ATOMIC_RELEASE);
    return leaf;
}

uint32_t *owner_slot_make(uintptr_t address)
{
    uint32_t refused = __atomic_load_n(&owner_map.refused, __ATOMIC_RELAXED);

    if (!owner_in_range(address))
        return NULL;
    if (worth_looking(refused) && leaf_make(address)) {
        if (refused)
            __atomic_store_n(&owner_map.refused, 0, __ATOMIC_RELAXED);
        return owner_slot(address);
    }
    __atomic_fetch_add(&owner_map.refused, 1, __ATOMIC_RELAXED);
    return NULL;
}
