/* SPDX-License-Identifier: MIT */
/* segment_extents.c - see segment_extents.h. */
#include "segment_extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a type of extent may hold. */
struct extent_kind {
    const char *name;
    uint32_t element_size;
    uint32_t per_extent; /* elements */
    uint32_t elements_max;
    uint32_t owners_max;
};

static const struct extent_kind kinds[] = {
    [SEGMENT_EXTENT_NONE] = {0},
    [SEGMENT_EXTENT_COUNTERS] = {"counters", sizeof(struct segment_row),
                                 SEGMENT_ROWS_PER_EXTENT, SEGMENT_CALLSITES_MAX,
                                 SEGMENT_SHARDS_MAX},
    [SEGMENT_EXTENT_NODES] = {"nodes", sizeof(struct segment_node),
                              SEGMENT_NODES_PER_EXTENT, SEGMENT_NODES_MAX, 1},
    [SEGMENT_EXTENT_CALLSITES] = {"callsites", sizeof(struct segment_callsite),
                                  SEGMENT_CALLSITES_PER_EXTENT,
                                  SEGMENT_CALLSITES_MAX, 1},
    [SEGMENT_EXTENT_MODULES] = {"modules", sizeof(struct segment_module),
                                SEGMENT_MODULES_PER_EXTENT, SEGMENT_MODULES_MAX,
                                1},
    [SEGMENT_EXTENT_STRINGS] = {"strings", 1, SEGMENT_EXTENT_SIZE,
                                SEGMENT_STRINGS_MAX, 1},
    [SEGMENT_EXTENT_PEAKS] = {"peaks", sizeof(struct segment_peak),
                              SEGMENT_PEAKS_PER_EXTENT, SEGMENT_CALLSITES_MAX,
                              SEGMENT_SHARDS_MAX},
    [SEGMENT_EXTENT_EVENTS] = {"events", sizeof(struct segment_event_row),
                               SEGMENT_EVENTS_PER_EXTENT, SEGMENT_CALLSITES_MAX,
                               SEGMENT_EVENT_COUNT},
    [SEGMENT_EXTENT_LABELS] = {"labels", sizeof(struct segment_label),
                               SEGMENT_LABELS_PER_EXTENT, SEGMENT_LABELS_MAX,
                               1},
    [SEGMENT_EXTENT_THREADS] = {"threads", sizeof(struct segment_thread),
                                SEGMENT_THREADS_PER_EXTENT, SEGMENT_THREADS_MAX,
                                1},
    [SEGMENT_EXTENT_MOMENTS] = {"moments", sizeof(struct segment_moment),
                                SEGMENT_MOMENTS_PER_EXTENT, SEGMENT_MOMENTS, 1},
};
#define TYPES (sizeof(kinds) / sizeof(kinds[0]))

static uint64_t entry_offset(uint32_t index)
{
    return SEGMENT_EXTENT_TABLE_OFFSET + (uint64_t)index * 8;
}

static int check_entry(uint32_t index, uint64_t word,
                       struct segment_error *error)
{
    uint32_t type = SEGMENT_EXTENT_TYPE(word);
    uint32_t owner = SEGMENT_EXTENT_OWNER(word);
    uint32_t base = SEGMENT_EXTENT_BASE(word);
    const struct extent_kind *kind;

    if (word == 0) /* handed out, not yet in use */
        return 0;
    if (type == SEGMENT_EXTENT_NONE || type >= TYPES || !kinds[type].name)
        return segment_error_set(error, -EINVAL, entry_offset(index),
                                 "extent %u: unknown type %u", index, type);
    kind = &kinds[type];
    if (owner >= kind->owners_max)
        return segment_error_set(error, -EINVAL, entry_offset(index),
                                 "extent %u: %s of owner %u, not below %u",
                                 index, kind->name, owner, kind->owners_max);
    if (base % kind->per_extent != 0 || base >= kind->elements_max)
        return segment_error_set(
            error, -EINVAL, entry_offset(index),
            "extent %u: %s from %u, not a multiple of %u below %u", index,
            kind->name, base, kind->per_extent, kind->elements_max);
    return 0;
}

static int compare_words(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Counters that are there twice would count twice. */
static int check_duplicates(const struct segment_extents *extents,
                            struct segment_error *error)
{
    uint32_t count = extents->count, last = count;
    uint64_t *sorted = malloc(sizeof(extents->words));
    uint64_t twice = 0;

    if (!sorted)
        return segment_error_memory(error);
    memcpy(sorted, extents->words, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare_words);
    for (uint32_t i = 1; i < count; i++)
        if (sorted[i] == sorted[i - 1])
            twice = sorted[i]; /* 0, if it is no extent at all */
    free(sorted);
    if (!twice)
        return 0;

    while (extents->words[--last] != twice)
        continue;
    return segment_error_set(error, -EINVAL, entry_offset(last),
                             "extent %u: %s from %u of owner %u, which an "
                             "earlier extent holds",
                             last, kinds[SEGMENT_EXTENT_TYPE(twice)].name,
                             SEGMENT_EXTENT_BASE(twice),
                             SEGMENT_EXTENT_OWNER(twice));
}

int segment_extents_check(const struct segment_extents *extents,
                          struct segment_error *error)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < extents->count; i++)
        err = check_entry(i, extents->words[i], error);
    return err ? err : check_duplicates(extents, error);
}

uint32_t segment_element_size(enum segment_extent_type type)
{
    return kinds[type].element_size;
}

uint32_t segment_extent_elements(uint64_t word, uint32_t count)
{
    uint32_t per_extent = kinds[SEGMENT_EXTENT_TYPE(word)].per_extent;
    uint32_t base = SEGMENT_EXTENT_BASE(word);

    if (base >= count)
        return 0;
    return count - base < per_extent ? count - base : per_extent;
}

uint64_t segment_element_offset(const struct segment_extents *extents,
                                enum segment_extent_type type, uint32_t element)
{
    uint32_t place = element % kinds[type].per_extent;
    uint64_t word = SEGMENT_EXTENT_WORD(type, 0, element - place);

    for (uint32_t i = 0; i < extents->count; i++)
        if (extents->words[i] == word)
            return segment_extent_offset(i) +
                   (uint64_t)place * kinds[type].element_size;
    return SEGMENT_EXTENT_TABLE_OFFSET;
}
