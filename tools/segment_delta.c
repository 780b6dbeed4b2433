/* SPDX-License-Identifier: MIT */
/* segment_delta.c - see segment_delta.h. */
#include "segment_delta.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What of a callsite only grows. */
struct totals {
    uint64_t count;
    uint64_t amount; /* bytes or ns */
};

struct cursor {
    char client[SEGMENT_CLIENT_MAX + 1];
    enum segment_event event;
    uint32_t pid;
    uint64_t start_time, created_ns;
    uint64_t used; /* turn of the last use; 0 free */
    uint64_t taken_ns;
    struct totals *seen; /* by callsite id */
    uint32_t seen_count;
};

struct segment_deltas {
    struct cursor cursors[SEGMENT_DELTAS_MAX];
    uint64_t turn;
    size_t size; /* bytes of all `seen` */
};

struct segment_deltas *segment_deltas_new(void)
{
    return calloc(1, sizeof(struct segment_deltas));
}

void segment_deltas_free(struct segment_deltas *deltas)
{
    for (int i = 0; deltas && i < SEGMENT_DELTAS_MAX; i++)
        free(deltas->cursors[i].seen);
    free(deltas);
}

/* ---- cursors ----------------------------------------------------------- */

static struct cursor *find_cursor(struct segment_deltas *deltas,
                                  const struct segment_header *header,
                                  enum segment_event event, const char *client)
{
    for (int i = 0; i < SEGMENT_DELTAS_MAX; i++) {
        struct cursor *cursor = &deltas->cursors[i];

        if (cursor->used && cursor->event == event &&
            cursor->pid == header->pid &&
            cursor->start_time == header->start_time &&
            cursor->created_ns == header->created_ns &&
            strcmp(cursor->client, client) == 0)
            return cursor;
    }
    return NULL;
}

/* The one that was not used for longest; free ones first. */
static struct cursor *oldest_cursor(struct segment_deltas *deltas)
{
    struct cursor *oldest = &deltas->cursors[0];

    for (int i = 1; i < SEGMENT_DELTAS_MAX; i++)
        if (deltas->cursors[i].used < oldest->used)
            oldest = &deltas->cursors[i];
    return oldest;
}

static void forget_seen(struct segment_deltas *deltas, struct cursor *cursor)
{
    deltas->size -= cursor->seen_count * sizeof(*cursor->seen);
    free(cursor->seen);
    cursor->seen = NULL;
    cursor->seen_count = 0;
}

/* Frees the totals of others, oldest first, until these have room. */
static void make_room(struct segment_deltas *deltas, size_t size)
{
    while (deltas->size + size > SEGMENT_DELTAS_SIZE_MAX) {
        struct cursor *oldest = NULL;

        for (int i = 0; i < SEGMENT_DELTAS_MAX; i++) {
            struct cursor *cursor = &deltas->cursors[i];

            if (cursor->seen && (!oldest || cursor->used < oldest->used))
                oldest = cursor;
        }
        forget_seen(deltas, oldest);
        oldest->used = 0;
    }
}

static struct cursor *new_cursor(struct segment_deltas *deltas,
                                 const struct segment_header *header,
                                 enum segment_event event, const char *client)
{
    struct cursor *cursor = oldest_cursor(deltas);

    forget_seen(deltas, cursor);
    *cursor = (struct cursor){
        .event = event,
        .pid = header->pid,
        .start_time = header->start_time,
        .created_ns = header->created_ns,
    };
    strncpy(cursor->client, client, SEGMENT_CLIENT_MAX);
    return cursor;
}

/* ---- counts ------------------------------------------------------------ */

static struct totals read_totals(const struct segment_snapshot *snapshot,
                                 enum segment_event event, uint32_t id)
{
    if (event == SEGMENT_EVENT_NONE)
        return (struct totals){snapshot->values[id].alloc_objects,
                               snapshot->values[id].alloc_space};
    return (struct totals){snapshot->events[event][id].count,
                           snapshot->events[event][id].delay_ns};
}

static void write_totals(struct segment_snapshot *snapshot,
                         enum segment_event event, uint32_t id,
                         struct totals totals)
{
    if (event == SEGMENT_EVENT_NONE) {
        snapshot->values[id].alloc_objects = totals.count;
        snapshot->values[id].alloc_space = totals.amount;
    } else {
        snapshot->events[event][id] =
            (struct segment_event_row){totals.count, totals.amount};
    }
}

/* How many ids have counts. */
static uint32_t count_ids(const struct segment_snapshot *snapshot,
                          enum segment_event event)
{
    bool any = event == SEGMENT_EVENT_NONE || snapshot->events[event];

    return any ? snapshot->callsite_count : 0;
}

/* The program may have been caught between adding to the count and adding to
 * the amount. An amount that comes without a count waits for the next one:
 * readers take it for damage. Returns what is new of *now, and leaves in it
 * what is seen then. */
static struct totals subtract(struct totals *now, struct totals seen)
{
    struct totals fresh = {0, 0};

    if (now->count <= seen.count) {
        *now = seen;
        return fresh;
    }
    fresh.count = now->count - seen.count;
    if (now->amount > seen.amount)
        fresh.amount = now->amount - seen.amount;
    else
        now->amount = seen.amount;
    return fresh;
}

static void subtract_all(struct segment_snapshot *snapshot,
                         const struct cursor *cursor, struct totals *now,
                         uint32_t count)
{
    for (uint32_t id = 0; id < count; id++) {
        struct totals seen = {0, 0};

        if (id < cursor->seen_count)
            seen = cursor->seen[id];
        write_totals(snapshot, cursor->event, id, subtract(&now[id], seen));
    }
}

static void clear_all(struct segment_snapshot *snapshot,
                      enum segment_event event, uint32_t count)
{
    if (event == SEGMENT_EVENT_NONE)
        memset(snapshot->values, 0, count * sizeof(*snapshot->values));
    else
        memset(snapshot->events[event], 0,
               count * sizeof(*snapshot->events[event]));
}

int segment_delta(struct segment_deltas *deltas,
                  struct segment_snapshot *snapshot, enum segment_event event,
                  const char *client, uint64_t *since_ns)
{
    uint32_t count = count_ids(snapshot, event);
    struct totals *now = calloc(count + 1, sizeof(*now));
    struct cursor *cursor;

    if (!now)
        return -ENOMEM;
    for (uint32_t id = 0; id < count; id++)
        now[id] = read_totals(snapshot, event, id);
    cursor = find_cursor(deltas, &snapshot->header, event, client);
    *since_ns = cursor ? cursor->taken_ns : 0;
    if (cursor)
        subtract_all(snapshot, cursor, now, count);
    else if (count)
        clear_all(snapshot, event, count);
    if (!cursor)
        cursor = new_cursor(deltas, &snapshot->header, event, client);
    forget_seen(deltas, cursor);
    make_room(deltas, count * sizeof(*now));
    cursor->seen = now;
    cursor->seen_count = count;
    cursor->taken_ns = snapshot->taken_ns;
    cursor->used = ++deltas->turn;
    deltas->size += count * sizeof(*now);
    return 0;
}
