/* SPDX-License-Identifier: MIT */
/* index.c - see index.h. */
#include "index.h"

#include <errno.h>
#include <stdbool.h>

#include "os.h"

int index_begin(struct index *index, uint32_t ids_max)
{
    if (!index->slots) {
        index->slots = os_map_wiped(2 * (size_t)ids_max * sizeof(uint64_t));
        index->mask = 2 * ids_max - 1;
    }
    return index->slots ? 0 : -ENOMEM;
}

uint32_t index_insert(struct index *index, uint64_t hash, uint32_t id)
{
    uint64_t word = (hash & INDEX_TAG_MASK) | id;

    for (uint64_t i = hash;; i++) {
        uint64_t *slot = &index->slots[i & index->mask];
        uint64_t found = 0;

        if (__atomic_compare_exchange_n(slot, &found, word, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return id;
        if (((found ^ hash) & INDEX_TAG_MASK) == 0)
            return (uint32_t)found & INDEX_ID_MASK;
    }
}
