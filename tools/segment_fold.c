/* SPDX-License-Identifier: MIT */
/* segment_fold.c - see segment_fold.h. */
#include "segment_fold.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum fate { UNSEEN, SHOWN, FOLDED };

/* What became of each callsite of one process, for one limit. */
struct fold {
    uint32_t pid, limit;
    uint64_t start_time;
    uint64_t used; /* turn of the last use; 0 never */
    uint8_t *fates;
    uint32_t count, shown;
};

struct segment_folds {
    struct fold folds[SEGMENT_FOLDS_MAX];
    uint64_t turn;
};

struct segment_folds *segment_folds_new(void)
{
    return calloc(1, sizeof(struct segment_folds));
}

void segment_folds_free(struct segment_folds *folds)
{
    for (int i = 0; folds && i < SEGMENT_FOLDS_MAX; i++)
        free(folds->folds[i].fates);
    free(folds);
}

/* The memory of this process and limit; the oldest gives way to a new one. */
static struct fold *find_fold(struct segment_folds *folds,
                              const struct segment_header *header,
                              uint32_t limit)
{
    struct fold *oldest = &folds->folds[0], *fold;

    for (fold = folds->folds; fold < folds->folds + SEGMENT_FOLDS_MAX; fold++) {
        if (fold->used && fold->pid == header->pid && fold->limit == limit &&
            fold->start_time == header->start_time)
            break;
        if (fold->used < oldest->used)
            oldest = fold;
    }
    if (fold == folds->folds + SEGMENT_FOLDS_MAX) {
        fold = oldest;
        free(fold->fates);
        *fold = (struct fold){.pid = header->pid,
                              .limit = limit,
                              .start_time = header->start_time};
    }
    fold->used = ++folds->turn;
    return fold;
}

static bool grow(struct fold *fold, uint32_t count)
{
    uint8_t *grown;

    if (count <= fold->count)
        return true;
    grown = realloc(fold->fates, count);
    if (!grown)
        return false;
    memset(grown + fold->count, UNSEEN, count - fold->count);
    fold->fates = grown;
    fold->count = count;
    return true;
}

/* The largest first; equal ones in the order they came. */
static int by_size(const void *a, const void *b, void *values)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t size_x = ((const struct segment_values *)values)[x].alloc_space;
    uint64_t size_y = ((const struct segment_values *)values)[y].alloc_space;

    if (size_x != size_y)
        return size_x < size_y ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* Decides on the callsites that are new, while there is room in their order
 * of size. */
static int decide(struct fold *fold, const struct segment_snapshot *snapshot)
{
    uint32_t *fresh = calloc(snapshot->callsite_count, sizeof(*fresh));
    uint32_t count = 0;

    if (!fresh)
        return -ENOMEM;
    for (uint32_t id = SEGMENT_SINK_COUNT; id < snapshot->callsite_count; id++)
        if (fold->fates[id] == UNSEEN && snapshot->values[id].alloc_objects)
            fresh[count++] = id;
    qsort_r(fresh, count, sizeof(*fresh), by_size, snapshot->values);
    for (uint32_t i = 0; i < count; i++) {
        /* All sinks may come to need a place. */
        bool room = fold->shown + SEGMENT_SINK_COUNT <= fold->limit;

        fold->fates[fresh[i]] = room ? SHOWN : FOLDED;
        fold->shown += room;
    }
    free(fresh);
    return 0;
}

static void move_values(struct segment_values *from, struct segment_values *to)
{
    segment_values_add(to, from);
    *from = (struct segment_values){0};
}

int segment_fold(struct segment_folds *folds, struct segment_snapshot *snapshot,
                 uint32_t limit)
{
    struct fold *fold = find_fold(folds, &snapshot->header, limit);

    if (!grow(fold, snapshot->callsite_count) || decide(fold, snapshot) != 0)
        return -ENOMEM;
    for (uint32_t id = SEGMENT_SINK_COUNT; id < snapshot->callsite_count; id++)
        if (fold->fates[id] == FOLDED)
            move_values(&snapshot->values[id],
                        &snapshot->values[SEGMENT_SINK_FOLDED]);
    return 0;
}
