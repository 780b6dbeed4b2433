/* SPDX-License-Identifier: MIT */
/* event.c - see event.h. */
#include "event.h"

#include <errno.h>

#include "callsite.h"
#include "cc.h"
#include "counter.h"
#include "extent.h"
#include "life.h"
#include "os.h"
#include "shard.h"
#include "thread.h"
#include "trace.h"

#define EVENT_EXTENTS (SEGMENT_CALLSITES_MAX / SEGMENT_EVENTS_PER_EXTENT)

struct tables {
    struct segment_event_row *rows[SEGMENT_EVENT_COUNT][EVENT_EXTENTS];
    bool room; /* the extent table is usable */
};

static struct tables *tables; /* wiped in children */

int event_begin(void)
{
    if (!tables)
        tables = os_map_wiped(sizeof(*tables));
    return tables ? 0 : -ENOMEM;
}

/* Several threads may find that there is no room yet: asking twice is
 * harmless. */
static bool may_record(struct thread *thread)
{
    const struct segment_header *header;

    if (!life_joined(thread) || !life->extents)
        return false;
    header = life->header;
    if (header->status != SEGMENT_OK && header->status != SEGMENT_BYPASSED)
        return false;
    if (!__atomic_load_n(&tables->room, __ATOMIC_RELAXED)) {
        if (!life_make_room())
            return false;
        __atomic_store_n(&tables->room, true, __ATOMIC_RELAXED);
    }
    return true;
}

static bool count(enum segment_event event, uint32_t callsite,
                  uint64_t delay_ns)
{
    uint32_t extent = callsite / SEGMENT_EVENTS_PER_EXTENT;
    struct segment_event_row *rows =
        extent_get((void **)&tables->rows[event][extent], SEGMENT_EXTENT_EVENTS,
                   (uint32_t)event, extent * SEGMENT_EVENTS_PER_EXTENT);

    if (!rows) {
        life_lose(SEGMENT_LOSS_EVENTS_DROPPED, 1);
        return false;
    }
    rows += callsite % SEGMENT_EVENTS_PER_EXTENT;
    counter_add_shared(&rows->count, 1);
    counter_add_shared(&rows->delay_ns, delay_ns);
    return true;
}

/* Waits may come for a trace alone: the profiles of them do not change. */
static bool is_counted(enum segment_event event)
{
    return event == SEGMENT_EVENT_THREAD ||
           __atomic_load_n(&life->header->locks, __ATOMIC_RELAXED) != 0;
}

uint32_t event_record(enum segment_event event, uint64_t delay_ns,
                      const struct walk_start *start)
{
    struct thread *thread = &thread_self;
    bool traced, counted;
    uint32_t callsite;

    if (!may_record(thread))
        return 0;
    counted = is_counted(event);
    traced = trace_takes(event, delay_ns);
    if (!counted && !traced)
        return 0;
    callsite = callsite_find(thread, shard_of(thread), start);
    if (traced)
        trace_record(event, callsite, delay_ns);
    return counted && !count(event, callsite, delay_ns) ? 0 : callsite;
}
