/* SPDX-License-Identifier: MIT */
/* segment_values.c - see segment_values.h. */
#include "segment_values.h"

void segment_add(uint64_t *sum, uint64_t amount)
{
    if (__builtin_add_overflow(*sum, amount, sum))
        *sum = UINT64_MAX;
}

/* ---- sums -------------------------------------------------------------- */

void segment_sum_add_frees(struct segment_sum *sum,
                           const struct segment_row *row)
{
    segment_add(&sum->row.free_objects, row->free_objects);
    segment_add(&sum->row.free_space, row->free_space);
}

void segment_sum_add_allocs(struct segment_sum *sum,
                            const struct segment_row *row)
{
    segment_add(&sum->row.alloc_objects, SEGMENT_OBJECTS(row->alloc_objects));
    segment_add(&sum->row.alloc_space, row->alloc_space);
}

void segment_sum_add_peak(struct segment_sum *sum,
                          const struct segment_row *row,
                          const struct segment_peak *saved, uint32_t peak_epoch)
{
    struct segment_peak now = {
        .objects = SEGMENT_OBJECTS(row->alloc_objects) - row->free_objects,
        .space = row->alloc_space - row->free_space,
    };

    if (!saved || SEGMENT_EPOCH(row->alloc_objects) < peak_epoch)
        saved = &now;
    sum->peak.objects += saved->objects;
    sum->peak.space += saved->space;
}

void segment_sum_add(struct segment_sum *sum, const struct segment_sum *other)
{
    segment_add(&sum->row.alloc_objects, other->row.alloc_objects);
    segment_add(&sum->row.alloc_space, other->row.alloc_space);
    segment_add(&sum->row.free_objects, other->row.free_objects);
    segment_add(&sum->row.free_space, other->row.free_space);
    sum->peak.objects += other->peak.objects;
    sum->peak.space += other->peak.space;
}

/* ---- values ------------------------------------------------------------ */

/* A sum below 0 is one that no process has. */
static uint64_t from_signed(uint64_t value)
{
    return value > INT64_MAX ? 0 : value;
}

/* Objects and bytes are added by two instructions, and a live process may be
 * caught between them: bytes without an object are left out with it. */
struct segment_values segment_values_of(const struct segment_sum *sum)
{
    const struct segment_row *row = &sum->row;
    uint64_t objects = segment_least(row->alloc_objects, INT64_MAX);
    uint64_t space = objects ? segment_least(row->alloc_space, INT64_MAX) : 0;
    uint64_t inuse = objects - segment_least(row->free_objects, objects);
    uint64_t peak = segment_least(from_signed(sum->peak.objects), objects);

    return (struct segment_values){
        .alloc_objects = objects,
        .alloc_space = space,
        .inuse_objects = inuse,
        .inuse_space =
            inuse ? space - segment_least(row->free_space, space) : 0,
        .peak_objects = peak,
        .peak_space =
            peak ? segment_least(from_signed(sum->peak.space), space) : 0,
    };
}

static void add_value(uint64_t *total, uint64_t value)
{
    segment_add(total, value);
    *total = segment_least(*total, INT64_MAX);
}

void segment_values_add(struct segment_values *total,
                        const struct segment_values *values)
{
    add_value(&total->alloc_objects, values->alloc_objects);
    add_value(&total->alloc_space, values->alloc_space);
    add_value(&total->inuse_objects, values->inuse_objects);
    add_value(&total->inuse_space, values->inuse_space);
    add_value(&total->peak_objects, values->peak_objects);
    add_value(&total->peak_space, values->peak_space);
}
