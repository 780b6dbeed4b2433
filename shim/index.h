/* SPDX-License-Identifier: MIT */
/*
 * index.h - from a 64-bit hash to an id, insert-only and lock-free.
 *
 * One word per slot, open addressing, linear probing:
 *
 *   slot = 0 (free)  --cas-->  tag (43 bits) | id (21 bits)   for ever
 *                    --cas-->  INDEX_CLOSED                   for ever
 *
 * The tag is the hash without the low bits that choose the slot, so that all
 * 64 bits take part: two of a million stacks share a hash with a probability
 * of 3 in 100 million, and then share a callsite. Nothing is compared beyond
 * the hash.
 *
 * A table that is half full gets a successor four times as large, from 32 KiB
 * on: a process with few stacks touches few pages. Whoever notices makes the
 * successor, closes every free slot of the old table, and then publishes the
 * new one; tables are never dropped. Where the probe of a hash meets a closed
 * slot, the hash is not in this table and never will be: it goes on in the
 * next. So each hash is entered once, whatever table the threads take for the
 * newest, and nobody waits for the one who closes. What is found in an older
 * table is copied into the newest, so that the next search ends at once. The
 * last table has room for all ids, and one that cannot get a successor stops
 * at seven eighths: every probe ends.
 *
 * The release of the exchange pairs with the acquire of index_find(): whoever
 * finds an id sees the record that was written before it was published; the
 * same pair of `newest` publishes a table and that its predecessor is closed.
 * Memory is wiped in a forked child. Tested by tests/torture/torture_index.c.
 */
#ifndef PREPROF_INDEX_H
#define PREPROF_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "cc.h"

#define INDEX_ID_BITS    21
#define INDEX_ID_MASK    ((1u << INDEX_ID_BITS) - 1)
#define INDEX_TAG_MASK   (~(uint64_t)INDEX_ID_MASK)
#define INDEX_CLOSED     ((uint64_t)INDEX_ID_MASK) /* no id is that large */
#define INDEX_TABLES     6
#define INDEX_FIRST_BITS 12
#define INDEX_GROW_BITS  2

struct index_table {
    uint64_t *slots;
    uint32_t mask; /* number of slots - 1 */
    uint32_t used;
};

struct index {
    uint32_t newest;
    uint32_t slots_max; /* of the last table */
    struct index_table tables[INDEX_TABLES];
};

/* Makes an index for up to ids_max ids (a power of two of at most 2^20); keeps
 * the tables it has, for a child, where they are empty. 0 or -ENOMEM. */
int index_begin(struct index *index, uint32_t ids_max);

/* Publishes an id (not 0) for a hash, unless one stands there already. Returns
 * the id that stands. Threads: any. */
uint32_t index_insert(struct index *index, uint64_t hash, uint32_t id);

/* The rest of index_find(). */
NOINLINE uint32_t index_find_older(struct index *index, uint64_t hash,
                                   uint32_t newest);

static ALWAYS_INLINE uint32_t index_table_find(const struct index_table *table,
                                               uint64_t hash)
{
    const uint64_t *slots = __atomic_load_n(&table->slots, __ATOMIC_ACQUIRE);

    for (uint64_t i = hash;; i++) {
        uint64_t slot =
            __atomic_load_n(&slots[i & table->mask], __ATOMIC_ACQUIRE);

        if (slot == 0 || slot == INDEX_CLOSED)
            return 0;
        if (((slot ^ hash) & INDEX_TAG_MASK) == 0)
            return (uint32_t)slot & INDEX_ID_MASK;
    }
}

/* The id of a hash, or 0. Threads: any. */
static ALWAYS_INLINE uint32_t index_find(struct index *index, uint64_t hash)
{
    uint32_t newest = __atomic_load_n(&index->newest, __ATOMIC_ACQUIRE);
    uint32_t id = index_table_find(&index->tables[newest], hash);

    return LIKELY(id != 0) ? id : index_find_older(index, hash, newest);
}

#endif
