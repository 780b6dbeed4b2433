/* SPDX-License-Identifier: MIT */
/*
 * peak.c - see peak.h.
 *
 * A row is saved by up to three writers at once: its owner and the signal
 * handlers on top of it, or, in the shared shard, any threads. Until one of
 * them has put the epoch into the row, none counts in it, so all of them find
 * the same values. One that was held up in between must not write old values
 * over those of a later epoch; therefore values are only exchanged for those
 * that stood there before the row was read.
 */
#include "peak.h"

#include <stdbool.h>

#include "extent.h"
#include "life.h"
#include "shard.h"

static struct segment_peak *peak_of(struct shard *shard, uint32_t callsite)
{
    uint32_t extent = callsite / SEGMENT_PEAKS_PER_EXTENT;
    struct segment_peak *peaks =
        extent_get((void **)&shard->peaks[extent], SEGMENT_EXTENT_PEAKS,
                   shard->index, extent * SEGMENT_PEAKS_PER_EXTENT);

    return peaks ? &peaks[callsite % SEGMENT_PEAKS_PER_EXTENT] : NULL;
}

static void replace(uint64_t *word, uint64_t old, uint64_t value)
{
    __atomic_compare_exchange_n(word, &old, value, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

void peak_save(struct shard *shard, uint32_t callsite, struct segment_row *row)
{
    uint64_t epoch =
        __atomic_load_n(&life->header->peak_epoch, __ATOMIC_ACQUIRE);
    struct segment_peak *peak = peak_of(shard, callsite);
    struct segment_peak none = {0, 0}, old;
    uint64_t word, next;

    if (!peak) /* no room: the row has its epoch, and no values */
        peak = &none;
    do {
        old.objects = __atomic_load_n(&peak->objects, __ATOMIC_RELAXED);
        old.space = __atomic_load_n(&peak->space, __ATOMIC_ACQUIRE);
        word = __atomic_load_n(&row->alloc_objects, __ATOMIC_ACQUIRE);
        if (SEGMENT_EPOCH(word) >= epoch)
            return;
        next = SEGMENT_OBJECTS(word) | epoch << SEGMENT_OBJECTS_BITS;
        replace(&peak->objects, old.objects,
                SEGMENT_OBJECTS(word) - counter_read(&row->free_objects));
        replace(&peak->space, old.space,
                counter_read(&row->alloc_space) -
                    counter_read(&row->free_space));
    } while (!__atomic_compare_exchange_n(&row->alloc_objects, &word, next,
                                          false, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

static int64_t raised(int64_t total)
{
    return total + SEGMENT_PEAK_STEP(total);
}

/* The moment before this free is the highest so far. One thread moves the
 * epoch; until it has raised the mark, another epoch may come for nothing. */
static void begin_epoch(struct shard *shard, uint32_t epoch)
{
    int64_t in_use, mark;

    peak_settle(shard);
    if (!__atomic_compare_exchange_n(&life->header->peak_epoch, &epoch,
                                     epoch + 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return;
    in_use = __atomic_load_n(&life->peak.in_use, __ATOMIC_RELAXED);
    mark = __atomic_load_n(&life->peak.mark, __ATOMIC_RELAXED);
    __atomic_store_n(&life->peak.mark, raised(in_use > mark ? in_use : mark),
                     __ATOMIC_RELAXED);
}

void peak_save_freeing(struct shard *shard, uint32_t callsite,
                       struct segment_row *row)
{
    struct segment_header *header = life->header;
    uint32_t epoch = __atomic_load_n(&header->peak_epoch, __ATOMIC_RELAXED);

    if (epoch != __atomic_load_n(&header->peak_turn, __ATOMIC_RELAXED))
        begin_epoch(shard, epoch);
    peak_save(shard, callsite, row);
}

void peak_settle(struct shard *shard)
{
    struct segment_header *header = life->header;
    int64_t drift =
        (int64_t)__atomic_exchange_n(&shard->drift, 0, __ATOMIC_RELAXED);
    int64_t in_use =
        __atomic_add_fetch(&life->peak.in_use, drift, __ATOMIC_RELAXED);
    uint32_t turn = __atomic_load_n(&header->peak_turn, __ATOMIC_ACQUIRE);
    int64_t mark = __atomic_load_n(&life->peak.mark, __ATOMIC_RELAXED);

    __atomic_store_n(&shard->drift_max, SEGMENT_PEAK_DRIFT(mark),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&shard->drift_min, -SEGMENT_PEAK_DRIFT(mark),
                     __ATOMIC_RELAXED);
    if (in_use > mark && turn < SEGMENT_EPOCH_LAST &&
        turn == __atomic_load_n(&header->peak_epoch, __ATOMIC_RELAXED))
        __atomic_compare_exchange_n(&header->peak_turn, &turn, turn + 1, false,
                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}
