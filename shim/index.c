/* SPDX-License-Identifier: MIT */
/* index.c - see index.h. */
#include "index.h"

#include <errno.h>
#include <stdbool.h>

#include "os.h"

static uint32_t slots_of(const struct index *index, uint32_t table)
{
    uint32_t slots = 1u << (INDEX_FIRST_BITS + table * INDEX_GROW_BITS);

    return slots < index->slots_max ? slots : index->slots_max;
}

/* Maps a table unless it is there, from this life or one before. */
static bool table_make(struct index *index, uint32_t number)
{
    struct index_table *table = &index->tables[number];
    size_t size = slots_of(index, number) * sizeof(*table->slots);
    uint64_t *fresh, *none = NULL;

    if (__atomic_load_n(&table->slots, __ATOMIC_ACQUIRE))
        return true;
    fresh = os_map_wiped(size);
    if (fresh &&
        !__atomic_compare_exchange_n(&table->slots, &none, fresh, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        os_unmap(fresh, size);
    return fresh != NULL;
}

int index_begin(struct index *index, uint32_t ids_max)
{
    index->newest = 0;
    index->slots_max = 2 * ids_max;
    for (uint32_t i = 0; i < INDEX_TABLES; i++) {
        index->tables[i].mask = slots_of(index, i) - 1;
        index->tables[i].used = 0;
    }
    return table_make(index, 0) ? 0 : -ENOMEM;
}

static void table_close(struct index_table *table)
{
    for (uint32_t i = 0; i <= table->mask; i++) {
        uint64_t free = 0;

        __atomic_compare_exchange_n(&table->slots[i], &free, INDEX_CLOSED,
                                    false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
}

/* Whether a table takes another id; one that has had enough is succeeded. */
static bool table_has_room(struct index *index, uint32_t number)
{
    struct index_table *table = &index->tables[number];
    uint32_t used = __atomic_load_n(&table->used, __ATOMIC_RELAXED);

    if (UNLIKELY(used == 0)) /* its pages will be hit in no order, and soon */
        os_prefault(__atomic_load_n(&table->slots, __ATOMIC_RELAXED),
                    slots_of(index, number) * sizeof(*table->slots));
    if (used <= table->mask / 2 || table->mask + 1 == index->slots_max)
        return true;
    if (!table_make(index, number + 1))
        return used < table->mask / 8 * 7;
    if (__atomic_load_n(&index->newest, __ATOMIC_ACQUIRE) == number) {
        table_close(table);
        __atomic_compare_exchange_n(&index->newest, &number, number + 1, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    return true; /* closed: see table_insert() */
}

/* Returns the id that stands, or 0 when the table is closed to this hash. */
static uint32_t table_insert(struct index_table *table, uint64_t hash,
                             uint32_t id)
{
    uint64_t *slots = __atomic_load_n(&table->slots, __ATOMIC_ACQUIRE);
    uint64_t word = (hash & INDEX_TAG_MASK) | id;

    for (uint64_t i = hash;; i++) {
        uint64_t *slot = &slots[i & table->mask];
        uint64_t found = 0;

        if (__atomic_compare_exchange_n(slot, &found, word, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            __atomic_fetch_add(&table->used, 1, __ATOMIC_RELAXED);
            return id;
        }
        if (found == INDEX_CLOSED)
            return 0;
        if (((found ^ hash) & INDEX_TAG_MASK) == 0)
            return (uint32_t)found & INDEX_ID_MASK;
    }
}

/* The id in the tables before `number`, which are closed: a miss is final. */
static uint32_t find_before(const struct index *index, uint64_t hash,
                            uint32_t number)
{
    uint32_t id = 0;

    while (number-- > 0 && !id)
        id = index_table_find(&index->tables[number], hash);
    return id;
}

uint32_t index_insert(struct index *index, uint64_t hash, uint32_t id)
{
    uint32_t number = __atomic_load_n(&index->newest, __ATOMIC_ACQUIRE);
    /* The caller has looked, but perhaps before a table was closed in which
     * another thread still found a place. */
    uint32_t stands = find_before(index, hash, number);

    if (stands)
        id = stands;
    for (;; number++) {
        /* No memory for a larger one: the id works, and is not found again. */
        if (!table_has_room(index, number))
            return id;
        stands = table_insert(&index->tables[number], hash, id);
        if (stands)
            return stands;
    }
}

uint32_t index_find_older(struct index *index, uint64_t hash, uint32_t newest)
{
    uint32_t id = find_before(index, hash, newest);

    return id ? index_insert(index, hash, id) : 0;
}
