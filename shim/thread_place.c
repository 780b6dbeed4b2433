/* SPDX-License-Identifier: MIT */
/* thread_place.c - see thread_place.h. */
#include "thread_place.h"

#include <stdbool.h>
#include <stddef.h>

#include "extent.h"
#include "life.h"
#include "os.h"

static struct segment_thread *record_at(uint32_t place)
{
    uint32_t extent = place / SEGMENT_THREADS_PER_EXTENT;
    struct segment_thread *records =
        extent_get((void **)&life->threads[extent], SEGMENT_EXTENT_THREADS, 0,
                   extent * SEGMENT_THREADS_PER_EXTENT);

    return records ? &records[place % SEGMENT_THREADS_PER_EXTENT] : NULL;
}

static bool may_take(uint32_t holder)
{
    return holder == 0 ||
           !os_thread_exists((int)life->header->pid, (int)holder);
}

/* Of those that race for a place one gets it, as it was seen to be. */
static bool take(struct segment_thread *record, uint32_t tid, uint32_t callsite)
{
    uint64_t labels = __atomic_load_n(&record->labels, __ATOMIC_RELAXED);
    uint64_t who = __atomic_load_n(&record->who, __ATOMIC_RELAXED);
    bool is_its = SEGMENT_THREAD_TID(who) == tid;

    if (is_its && callsite == 0)
        return true;
    if (!is_its && !may_take(SEGMENT_THREAD_TID(who)))
        return false;
    if (!__atomic_compare_exchange_n(&record->who, &who,
                                     SEGMENT_THREAD_WHO(tid, callsite), false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    /* The last holder's, but not what the new one has written meanwhile. */
    if (!is_its)
        __atomic_compare_exchange_n(&record->labels, &labels, 0, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return true;
}

struct segment_thread *thread_place_take(uint32_t tid, uint32_t callsite)
{
    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++) {
        struct segment_thread *record =
            record_at((tid + i) % SEGMENT_THREADS_MAX);

        if (!record)
            break;
        if (take(record, tid, callsite))
            return record;
    }
    life_lose(SEGMENT_LOSS_THREADS_FULL, 1);
    return NULL;
}
