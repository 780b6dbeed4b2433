/* SPDX-License-Identifier: MIT */
/*
 * index.h - from a 64-bit hash to an id, insert-only and lock-free.
 *
 * One word per slot, open addressing, linear probing, never more than half
 * full (the caller's ids are capped), so every probe ends:
 *
 *   slot = 0 (free)  --cas-->  tag (43 bits) | id (21 bits)   for ever
 *
 * The tag is the hash without the low bits that choose the slot, so that all
 * 64 bits take part: two of a million stacks share a hash with a probability
 * of 3 in 100 million, and then share a callsite. Nothing is compared beyond
 * the hash.
 *
 * The release of the exchange pairs with the acquire of index_find(): whoever
 * finds an id sees the record that was written before it was published.
 * Memory is wiped in a forked child. Tested by tests/torture/torture_index.c.
 */
#ifndef PREPROF_INDEX_H
#define PREPROF_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "cc.h"

#define INDEX_ID_BITS  21
#define INDEX_ID_MASK  ((1u << INDEX_ID_BITS) - 1)
#define INDEX_TAG_MASK (~(uint64_t)INDEX_ID_MASK)

struct index {
    uint64_t *slots;
    uint32_t mask; /* number of slots - 1; a power of two of at most 2^21 */
};

/* Maps an index for up to ids_max ids (a power of two of at most 2^20); keeps
 * the one it has. Returns 0 or -ENOMEM. */
int index_begin(struct index *index, uint32_t ids_max);

/* Publishes an id (not 0) for a hash, unless one stands there already. Returns
 * the id that stands. Threads: any. */
uint32_t index_insert(struct index *index, uint64_t hash, uint32_t id);

/* The id of a hash, or 0. Threads: any. */
static ALWAYS_INLINE uint32_t index_find(const struct index *index,
                                         uint64_t hash)
{
    for (uint64_t i = hash;; i++) {
        uint64_t slot = __atomic_load_n(&index->slots[i & index->mask],
                                        __ATOMIC_ACQUIRE);
        if (slot == 0)
            return 0;
        if (((slot ^ hash) & INDEX_TAG_MASK) == 0)
            return (uint32_t)slot & INDEX_ID_MASK;
    }
}

#endif
