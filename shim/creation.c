/* SPDX-License-Identifier: MIT */
/* creation.c - see creation.h. */
#include "creation.h"

#include <stdbool.h>

#include "extent.h"
#include "life.h"
#include "os.h"
#include "real_thread.h"

/* The id of a new thread; 0 when it has ended, negative when it was joined. */
static int32_t read_tid(const pthread_t *thread)
{
    const struct real_thread_field *field = real_thread_tid;
    pthread_t descriptor;
    int32_t tid;

    /* Also the handle: its memory is the new thread's to free. */
    if (!field || os_is_filtered() ||
        os_copy(&descriptor, (uintptr_t)thread, sizeof(descriptor)) != 0 ||
        os_copy(&tid, (uintptr_t)descriptor + field->offset, sizeof(tid)) != 0)
        return 0;
    return tid;
}

static struct segment_thread *record_at(uint32_t place)
{
    uint32_t extent = place / SEGMENT_THREADS_PER_EXTENT;
    struct segment_thread *records =
        extent_get((void **)&life->threads[extent], SEGMENT_EXTENT_THREADS, 0,
                   extent * SEGMENT_THREADS_PER_EXTENT);

    return records ? &records[place % SEGMENT_THREADS_PER_EXTENT] : NULL;
}

static bool may_take(uint64_t who, uint32_t tid)
{
    uint32_t holder = SEGMENT_THREAD_TID(who);

    return holder == 0 || holder == tid ||
           !os_thread_exists((int)life->header->pid, (int)holder);
}

/* Of those that race for a place one gets it, as it was seen to be. */
static bool take(struct segment_thread *record, uint32_t tid, uint32_t callsite)
{
    uint64_t who = __atomic_load_n(&record->who, __ATOMIC_RELAXED);

    if (!may_take(who, tid) ||
        !__atomic_compare_exchange_n(&record->who, &who,
                                     SEGMENT_THREAD_WHO(tid, callsite), false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    __atomic_store_n(&record->labels, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&record->created_ns, os_boottime_ns(), __ATOMIC_RELEASE);
    return true;
}

void creation_file(const pthread_t *thread, uint32_t callsite)
{
    int32_t tid = callsite ? read_tid(thread) : 0;
    struct segment_thread *record;

    if (tid <= 0)
        return;
    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++) {
        record = record_at(((uint32_t)tid + i) % SEGMENT_THREADS_MAX);
        if (!record)
            break;
        if (take(record, (uint32_t)tid, callsite))
            return;
    }
    life_lose(SEGMENT_LOSS_THREADS_FULL, 1);
}
