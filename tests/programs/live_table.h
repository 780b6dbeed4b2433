/* SPDX-License-Identifier: MIT */
/*
 * live_table.h - the live blocks of libcount.c: address to who allocated it.
 *
 * Stripes of open addressing with linear probing, each under a spin lock. The
 * table is memory that its user provides, all zero when empty. It must never
 * allocate: it is used from within malloc.
 */
#ifndef PREPROF_TESTS_LIVE_TABLE_H
#define PREPROF_TESTS_LIVE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define LIVE_STRIPES    512u
#define LIVE_STRIPE_MAX 8192u

struct live {
    uintptr_t block; /* 0: free entry */
    uint32_t caller;
};

struct live_stripe {
    uint32_t locked;
    uint32_t used;
    struct live live[LIVE_STRIPE_MAX];
};

struct live_table {
    struct live_stripe stripes[LIVE_STRIPES];
};

static uint64_t live_hash_of(uintptr_t block)
{
    return (block >> 3) * 0x9e3779b97f4a7c15u;
}

static uint32_t live_home_of(uintptr_t block)
{
    return (uint32_t)(live_hash_of(block) >> 32) % LIVE_STRIPE_MAX;
}

static struct live_stripe *live_lock(struct live_table *table, uintptr_t block)
{
    struct live_stripe *stripe =
        &table->stripes[(live_hash_of(block) >> 52) % LIVE_STRIPES];

    while (__atomic_exchange_n(&stripe->locked, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    return stripe;
}

static void live_unlock(struct live_stripe *stripe)
{
    __atomic_store_n(&stripe->locked, 0, __ATOMIC_RELEASE);
}

/* Enters a block, or replaces its entry. False when there is no room. */
static bool live_insert(struct live_table *table, const struct live *live)
{
    struct live_stripe *stripe = live_lock(table, live->block);
    uint32_t i = live_home_of(live->block);
    bool room = stripe->used < LIVE_STRIPE_MAX - 1;

    if (room) {
        while (stripe->live[i].block && stripe->live[i].block != live->block)
            i = (i + 1) % LIVE_STRIPE_MAX;
        stripe->used += !stripe->live[i].block;
        stripe->live[i] = *live;
    }
    live_unlock(stripe);
    return room;
}

/* Takes an entry out and moves later ones back, so that each stays reachable
 * from its home without a gap. */
static void live_close_gap(struct live_stripe *stripe, uint32_t gap)
{
    for (uint32_t i = (gap + 1) % LIVE_STRIPE_MAX; stripe->live[i].block;
         i = (i + 1) % LIVE_STRIPE_MAX) {
        uint32_t home = live_home_of(stripe->live[i].block);

        if ((i - home) % LIVE_STRIPE_MAX >= (i - gap) % LIVE_STRIPE_MAX) {
            stripe->live[gap] = stripe->live[i];
            gap = i;
        }
    }
    stripe->live[gap].block = 0;
    stripe->used--;
}

/* Takes a block out; .block is 0 when it was not there. */
static struct live live_remove(struct live_table *table, uintptr_t block)
{
    struct live_stripe *stripe = live_lock(table, block);
    struct live found = {0, 0};
    uint32_t i = live_home_of(block);

    while (stripe->live[i].block && stripe->live[i].block != block)
        i = (i + 1) % LIVE_STRIPE_MAX;
    if (stripe->live[i].block) {
        found = stripe->live[i];
        live_close_gap(stripe, i);
    }
    live_unlock(stripe);
    return found;
}

#endif
