/* SPDX-License-Identifier: MIT */
/* segment_fold.c - see segment_fold.h. */
#include "segment_fold.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum fate { UNSEEN, SHOWN, FOLDED };

/* What became of each callsite of one process, for one kind of counts and one
 * limit. */
struct fold {
    uint32_t pid, limit;
    enum segment_event event;
    uint64_t start_time, created_ns;
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

static bool is_of(const struct fold *fold, const struct segment_header *header,
                  enum segment_event event, uint32_t limit)
{
    return fold->used && fold->pid == header->pid && fold->event == event &&
           fold->limit == limit && fold->start_time == header->start_time &&
           fold->created_ns == header->created_ns;
}

/* The memory of these counts and limit; the oldest gives way to a new one. */
static struct fold *find_fold(struct segment_folds *folds,
                              const struct segment_header *header,
                              enum segment_event event, uint32_t limit)
{
    struct fold *oldest = &folds->folds[0], *fold;

    for (fold = folds->folds; fold < folds->folds + SEGMENT_FOLDS_MAX; fold++) {
        if (is_of(fold, header, event, limit))
            break;
        if (fold->used < oldest->used)
            oldest = fold;
    }
    if (fold == folds->folds + SEGMENT_FOLDS_MAX) {
        fold = oldest;
        free(fold->fates);
        *fold = (struct fold){.pid = header->pid,
                              .limit = limit,
                              .event = event,
                              .start_time = header->start_time,
                              .created_ns = header->created_ns};
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

/* A callsite that is new, and how much there is of it. */
struct fresh {
    uint64_t size;
    uint32_t id;
};

/* The largest first; equal ones in the order they came. */
static int by_size(const void *a, const void *b)
{
    const struct fresh *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* 0 of a callsite without counts; delay, or without any the count. */
static uint64_t size_of(const struct segment_snapshot *snapshot,
                        enum segment_event event, uint32_t id)
{
    const struct segment_event_row *row;

    if (event == SEGMENT_EVENT_NONE)
        return snapshot->values[id].alloc_objects
                   ? snapshot->values[id].alloc_space + 1
                   : 0;
    row = &snapshot->events[event][id];
    return row->delay_ns > row->count ? row->delay_ns : row->count;
}

/* Decides on the callsites that are new, while there is room in their order
 * of size. */
static int decide(struct fold *fold, const struct segment_snapshot *snapshot)
{
    struct fresh *fresh = calloc(snapshot->callsite_count, sizeof(*fresh));
    uint32_t count = 0;

    if (!fresh)
        return -ENOMEM;
    for (uint32_t id = SEGMENT_SINK_COUNT; id < snapshot->callsite_count;
         id++) {
        uint64_t size = size_of(snapshot, fold->event, id);

        if (fold->fates[id] == UNSEEN && size)
            fresh[count++] = (struct fresh){size, id};
    }
    qsort(fresh, count, sizeof(*fresh), by_size);
    for (uint32_t i = 0; i < count; i++) {
        /* All sinks may come to need a place. */
        bool room = fold->shown + SEGMENT_SINK_COUNT <= fold->limit;

        fold->fates[fresh[i].id] = room ? SHOWN : FOLDED;
        fold->shown += room;
    }
    free(fresh);
    return 0;
}

/* At most INT64_MAX, as a snapshot's. */
static void add_count(uint64_t *sum, uint64_t count)
{
    segment_add(sum, count);
    if (*sum > INT64_MAX)
        *sum = INT64_MAX;
}

static void move_values(struct segment_snapshot *snapshot,
                        enum segment_event event, uint32_t id)
{
    struct segment_event_row *rows = snapshot->events[event];

    if (event == SEGMENT_EVENT_NONE) {
        segment_values_add(&snapshot->values[SEGMENT_SINK_FOLDED],
                           &snapshot->values[id]);
        snapshot->values[id] = (struct segment_values){0};
    } else {
        add_count(&rows[SEGMENT_SINK_FOLDED].count, rows[id].count);
        add_count(&rows[SEGMENT_SINK_FOLDED].delay_ns, rows[id].delay_ns);
        rows[id] = (struct segment_event_row){0};
    }
}

int segment_fold(struct segment_folds *folds, struct segment_snapshot *snapshot,
                 enum segment_event event, uint32_t limit)
{
    struct fold *fold;

    if (event != SEGMENT_EVENT_NONE && !snapshot->events[event])
        return 0;
    fold = find_fold(folds, &snapshot->header, event, limit);
    if (!grow(fold, snapshot->callsite_count) || decide(fold, snapshot) != 0)
        return -ENOMEM;
    for (uint32_t id = SEGMENT_SINK_COUNT; id < snapshot->callsite_count; id++)
        if (fold->fates[id] == FOLDED)
            move_values(snapshot, event, id);
    return 0;
}
