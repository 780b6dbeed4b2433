/* SPDX-License-Identifier: MIT */
/* memstats.c - the functions behind preprof.h, by their versioned names. */
#include <errno.h>
#include <string.h>

#include "cc.h"
#include "label.h"
#include "life.h"
#include "memstats.h"
#include "preprof.h"
#include "real.h"
#include "shard.h"
#include "thread.h"

/* HeapAlloc and the call counts, from the counters. */
static void read_counters(struct preprof_memstats *stats)
{
    struct shard_totals totals;
    enum segment_mode mode = SEGMENT_MODE_OF(life_mode());
    uint32_t used = life->header->modes_used;
    const struct segment_row *sum = &totals.callsites;

    if (mode != SEGMENT_MODE_OFF && /* also when nothing was allocated yet */
        life->header->status == SEGMENT_OK)
        used |= 1u << mode;
    if (!used)
        return;
    shard_read_totals(&totals);
    if (used == 1u << SEGMENT_MODE_EXACT) {
        stats->known |= PREPROF_KNOWN_HEAP_ALLOC | PREPROF_KNOWN_CALLS |
                        PREPROF_KNOWN_EXACT;
        stats->Mallocs = sum->alloc_objects;
        stats->Frees = sum->free_objects;
        stats->TotalAlloc = sum->alloc_space;
        stats->HeapAlloc = sum->alloc_space - sum->free_space;
        stats->HeapObjects = stats->Mallocs - stats->Frees;
    } else if (used == 1u << SEGMENT_MODE_SAMPLE) {
        stats->known |= PREPROF_KNOWN_CALLS;
        stats->Mallocs = totals.calls.allocs;
        stats->Frees = totals.calls.frees;
        stats->HeapObjects =
            stats->Mallocs > stats->Frees ? stats->Mallocs - stats->Frees : 0;
    }
}

/* HeapSys and its parts, from the allocator. */
static void read_heap(struct preprof_memstats *stats)
{
    struct real_heap heap;

    if (!real_heap_read(&heap))
        return;
    stats->known |= PREPROF_KNOWN_HEAP_SYS;
    stats->HeapSys = heap.system;
    stats->HeapInuse = heap.in_use < heap.system ? heap.in_use : heap.system;
    stats->HeapIdle = stats->HeapSys - stats->HeapInuse;
    if (!(stats->known & PREPROF_KNOWN_HEAP_ALLOC)) {
        stats->known |= PREPROF_KNOWN_HEAP_ALLOC;
        stats->HeapAlloc = stats->HeapInuse;
    }
}

EXPORT int preprof_read_memstats_v1(struct preprof_memstats *stats)
{
    struct preprof_memstats filled = {0};
    uint64_t size = stats->size;

    if (!life_joined(&thread_self) || !life->extents)
        return -ENOSYS;
    read_counters(&filled);
    read_heap(&filled);
    filled.Alloc = filled.HeapAlloc;
    filled.BuckHashSys =
        SEGMENT_EXTENTS_OFFSET +
        (uint64_t)life->header->extents_used * SEGMENT_EXTENT_SIZE;
    filled.OtherSys = life->header->private_bytes;
    filled.Sys =
        filled.HeapSys + filled.StackSys + filled.BuckHashSys + filled.OtherSys;
    if (size > sizeof(filled))
        size = sizeof(filled);
    memcpy(stats, &filled, size);
    stats->size = size;
    return 0;
}

EXPORT int preprof_set_mode_v1(int mode, uint64_t sample_size)
{
    uint64_t word;

    /* Bypassed is a doubt that the next recording may end. */
    if (!life_joined(&thread_self) || !life->extents ||
        (life->header->status != SEGMENT_OK &&
         life->header->status != SEGMENT_BYPASSED))
        return -ENOTSUP;
    if (mode == PREPROF_SAMPLE && sample_size <= SEGMENT_SAMPLE_SIZE_MAX)
        word = SEGMENT_MODE_WORD(SEGMENT_MODE_SAMPLE,
                                 sample_size ? sample_size
                                             : SEGMENT_SAMPLE_SIZE_DEFAULT);
    else if (mode == PREPROF_EXACT || mode == PREPROF_OFF)
        word = SEGMENT_MODE_WORD((uint64_t)mode, 0);
    else
        return -EINVAL;
    if (mode == PREPROF_OFF && life->header->recording_ns)
        __atomic_fetch_or(&life->header->modes_used, 1u << SEGMENT_MODE_OFF,
                          __ATOMIC_RELAXED);
    segment_mode_exchange(&life->header->mode, word);
    return 0;
}

EXPORT int preprof_set_locks_v1(int on)
{
    if (!life_joined(&thread_self) || !life->extents)
        return -ENOTSUP;
    __atomic_store_n(&life->header->locks, on != 0, __ATOMIC_RELAXED);
    return 0;
}

EXPORT int preprof_set_label_v1(const char *key, const char *value)
{
    return label_set(key, value);
}
