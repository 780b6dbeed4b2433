/* SPDX-License-Identifier: MIT */
/*
 * Threads insert the same hashes in different orders, each with ids of its
 * own, through all sizes of the index: all must agree on one id a hash, and
 * whoever finds an id must find the record that was written before it was
 * published.
 */
#include "index.h"
#include "torture.h"

#define HASHES    20000
#define IDS_MAX   (1u << 17)
#define ROUNDS    10
#define COLLIDING 64 /* that many hashes begin at one slot */

static struct index index_;
static uint64_t hashes[HASHES];
static uint64_t records[IDS_MAX]; /* written plainly, published by the index */
static uint32_t agreed[TORTURE_THREADS][HASHES];
static bool unseen, disagreed;

static void insert_all(int thread)
{
    static const int strides[TORTURE_THREADS] = {1, 7, 11, 13}; /* coprime */
    uint32_t id = 1 + (uint32_t)thread * HASHES;

    for (int i = 0, at = 0; i < HASHES; i++) {
        uint32_t found = index_find(&index_, hashes[at]);

        if (!found) {
            records[id] = hashes[at];
            found = index_insert(&index_, hashes[at], id);
            id++;
        }
        if (records[found] != hashes[at])
            __atomic_store_n(&unseen, true, __ATOMIC_RELAXED);
        agreed[thread][at] = found;
        at = (at + strides[thread]) % HASHES;
    }
}

static void compare(void)
{
    for (int i = 0; i < HASHES; i++)
        for (int t = 0; t < TORTURE_THREADS; t++)
            if (agreed[t][i] != index_find(&index_, hashes[i]))
                disagreed = true;
}

int main(void)
{
    uint64_t state = 88172645463325252u;

    for (int round = 0; round < ROUNDS; round++) {
        index_ = (struct index){0};
        if (index_begin(&index_, IDS_MAX) != 0)
            abort();
        for (int i = 0; i < HASHES; i++)
            hashes[i] = (torture_random(&state) & INDEX_TAG_MASK) |
                        (uint64_t)(i / COLLIDING * 2654435761u & INDEX_ID_MASK);
        torture_run(insert_all, TORTURE_THREADS);
        compare();
    }
    torture_ok(!disagreed, "every thread got the id that stands");
    torture_ok(!unseen, "an id found is a record seen");
    return torture_done();
}
