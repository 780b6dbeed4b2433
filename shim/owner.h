/* SPDX-License-Identifier: MIT */
/*
 * owner.h - which callsite a live block belongs to.
 *
 * One word per place where a block can start; 0 is "not recorded". A radix
 * tree over the address whose leaves are mapped lazily, about 1 MiB each:
 *
 *   address:   12 bits root | 12 bits middle | 18 bits leaf | 5 bits
 *
 * On glibc chunks are never closer than 32 bytes, and there is one such tree.
 * Other allocators' blocks start at any multiple of 8, and each of the four in
 * 32 bytes has a tree of its own: a plane (design 3.4). The map's locality is
 * the heap's: that is why it beats a hash table.
 *
 * Concurrency: a word belongs to whoever owns the block: it is inserted after
 * the real malloc and removed before the real free (hazards F1), so no two
 * threads touch it at once unless the program frees a block twice. Words are
 * relaxed atomics; what orders them between threads is the program's own
 * handing over of the block. Tables go NULL -> address once, by
 * compare-and-swap, release; pairs with the acquire of owner_slot().
 *
 * Leaves are wiped in a forked child, which has recorded nothing yet.
 *
 * A heap that moves through the address space leaves leaves behind. One is
 * given back when the whole range of addresses that it is for is found
 * unmapped: there can be no block in it. owner.c says how that stays so while
 * the leaf goes. Middles stay: 8 bytes for each leaf there ever was.
 * Read next: record.h.
 */
#ifndef PREPROF_OWNER_H
#define PREPROF_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"

#define OWNER_ROOT_BITS    12
#define OWNER_MIDDLE_BITS  12
#define OWNER_LEAF_BITS    18
#define OWNER_GRANULE_BITS 5
#define OWNER_LEAF_BYTES   ((1u << OWNER_LEAF_BITS) * 4u)
#define OWNER_PLANE_BITS   2
#define OWNER_TREES        (1u << (OWNER_ROOT_BITS + OWNER_PLANE_BITS))
#define OWNER_SWEEP_LEAVES 2u    /* looked at for each that is made */
#define OWNER_SWEEP_STEPS  4096u /* places where there may be some */
#define OWNER_PAUSE        256u  /* refusals between two tries, at most */

struct owner_map {
    uint32_t **trees[OWNER_TREES];
    uintptr_t planes;             /* the highest: 0 or 3 */
    uint64_t budget_bytes;        /* what leaves and middles may take in all */
    uint64_t *taken_bytes;        /* what they have taken */
    uint16_t leaves[OWNER_TREES]; /* how many each has */
    uint32_t swept;   /* where the search for leaves to give back goes on */
    uint32_t refused; /* blocks, since there was room last */
};
extern HIDDEN struct owner_map owner_map;

/* What there can be between the starts of two blocks, at least. */
enum owner_distance { OWNER_DISTANCE_32, OWNER_DISTANCE_8 };

/* Whether all blocks have their words in one tree (OWNER_DISTANCE_32). */
static ALWAYS_INLINE bool owner_has_one_plane(void)
{
    return LIKELY(owner_map.planes == 0);
}

/* Called at each birth. The tables may take budget_bytes in all, and what they
 * take is added to *taken_bytes. */
void owner_begin(enum owner_distance distance, uint64_t budget_bytes,
                 uint64_t *taken_bytes);

/* Makes the word of an address, or returns NULL: no memory, or no address of a
 * block (unaligned, beyond 47 bits). Which of the two is the caller's to tell
 * with owner_in_range(). Without memory most calls return at once: where a
 * program goes on in a place that the budget is too small for, each of its
 * blocks comes here. */
COLD uint32_t *owner_slot_make(uintptr_t address);

static ALWAYS_INLINE bool owner_in_range(uintptr_t address)
{
    return (address & 7) == 0 && address >> 47 == 0;
}

/* The number of an address's tree; OWNER_TREES or more: of none. */
static ALWAYS_INLINE uintptr_t owner_tree(uintptr_t address, uintptr_t planes)
{
    uintptr_t root =
        address >> (OWNER_MIDDLE_BITS + OWNER_LEAF_BITS + OWNER_GRANULE_BITS);

    return (root << OWNER_PLANE_BITS) + (address >> 3 & planes);
}

/* The word of an address, or NULL when there is none: not recorded. `planes` is
 * owner_map.planes, for those who know it. */
static ALWAYS_INLINE uint32_t *owner_slot_in(uintptr_t address,
                                             uintptr_t planes)
{
    uintptr_t key = address >> OWNER_GRANULE_BITS;
    uintptr_t tree = owner_tree(address, planes);
    uint32_t **middle, *leaf;

    if (UNLIKELY(tree >= OWNER_TREES))
        return NULL;
    middle = __atomic_load_n(&owner_map.trees[tree], __ATOMIC_ACQUIRE);
    if (UNLIKELY(!middle))
        return NULL;
    leaf = __atomic_load_n(
        &middle[(key >> OWNER_LEAF_BITS) & ((1u << OWNER_MIDDLE_BITS) - 1)],
        __ATOMIC_ACQUIRE);
    if (UNLIKELY(!leaf))
        return NULL;
    return &leaf[key & ((1u << OWNER_LEAF_BITS) - 1)];
}

static ALWAYS_INLINE uint32_t *owner_slot(uintptr_t address)
{
    return owner_slot_in(address, owner_map.planes);
}

/* Whether a word that is to be written is taken already. Not by a load: what is
 * read before it is written costs two faults (os_prefault). */
static ALWAYS_INLINE bool owner_is_taken(uint32_t *slot)
{
    bool taken;

#if defined(__x86_64__)
    __asm__("orl $0, %0" : "+m"(*slot), "=@ccne"(taken));
#else
    taken = __atomic_load_n(slot, __ATOMIC_RELAXED) != 0;
#endif
    return taken;
}

/* Enters an owner (not 0) for a block and returns the one that stood there,
 * normally 0. *followed is false when the block could not be entered. */
static ALWAYS_INLINE uint32_t owner_insert(uintptr_t address, uint32_t owner,
                                           bool *followed)
{
    uint32_t *slot = owner_slot(address);

    if (UNLIKELY(!slot))
        slot = owner_slot_make(address);
    *followed = slot != NULL;
    if (UNLIKELY(!slot))
        return 0;
    /* Not read before it is written: os_prefault() says why. */
    return __atomic_exchange_n(slot, owner, __ATOMIC_RELAXED);
}

/* Takes a block out and returns its owner, or 0. */
static ALWAYS_INLINE uint32_t owner_remove(uintptr_t address)
{
    uint32_t *slot = owner_slot(address);
    uint32_t old;

    if (!slot)
        return 0;
    old = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (old)
        __atomic_store_n(slot, 0, __ATOMIC_RELAXED);
    return old;
}

#endif
