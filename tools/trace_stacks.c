/* SPDX-License-Identifier: MIT */
/* trace_stacks.c - see trace_stacks.h. */
#include "trace_stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hash_bytes.h"

/* A sample for each callsite that occurs. */
static const struct profile_kind kind = {.name = "trace",
                                         .values = {{"events", "count"}},
                                         .value_count = 1,
                                         .period = {"events", "count"},
                                         .event = SEGMENT_EVENT_NONE};

/* ---- frames ------------------------------------------------------------ */

/* Where it is, or belongs. */
static uint32_t *find_slot(const struct trace_stacks *stacks,
                           const struct trace_frame *frame)
{
    size_t mask = stacks->slot_count - 1;
    size_t at = hash_bytes((const char *)frame, sizeof(*frame));

    while (stacks->slots[at & mask] &&
           memcmp(&stacks->frames[stacks->slots[at & mask]], frame,
                  sizeof(*frame)) != 0)
        at++;
    return &stacks->slots[at & mask];
}

/* Room for one more frame, and slots that are at most half full. */
static int make_room(struct trace_stacks *stacks)
{
    size_t room = stacks->frames_room ? 2 * stacks->frames_room : 1024;
    struct trace_frame *frames;
    uint32_t *slots;

    if (stacks->frame_count < stacks->frames_room)
        return 0;
    frames = reallocarray(stacks->frames, room, sizeof(*frames));
    if (!frames)
        return -ENOMEM;
    stacks->frames = frames;
    slots = calloc(2 * room, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(stacks->slots);
    stacks->slots = slots;
    stacks->slot_count = 2 * room;
    stacks->frames_room = room;
    for (uint32_t i = 1; i < stacks->frame_count; i++)
        *find_slot(stacks, &stacks->frames[i]) = i;
    return 0;
}

/* The number of a frame; 0 when memory is short. */
static uint32_t intern(struct trace_stacks *stacks, struct trace_frame frame)
{
    uint32_t *slot;

    if (make_room(stacks) != 0)
        return 0;
    slot = find_slot(stacks, &frame);
    if (!*slot) {
        *slot = stacks->frame_count;
        stacks->frames[stacks->frame_count++] = frame;
    }
    return *slot;
}

/* The leaf of a sample, outermost frames first. */
static uint32_t intern_stack(struct trace_stacks *stacks,
                             const struct profile_sample *sample)
{
    uint32_t number = 0;

    for (size_t i = sample->depth; i-- > 0;) {
        uint32_t location = sample->locations[i];
        size_t lines = stacks->profile->locations[location].line_count;

        for (size_t line = lines; line-- > 0;) {
            number = intern(
                stacks, (struct trace_frame){number, location, (uint32_t)line});
            if (!number)
                return 0;
        }
    }
    return number;
}

/* ---- stacks ------------------------------------------------------------ */

static bool is_callsite(const struct segment_snapshot *snapshot, uint32_t id)
{
    return id > 0 && id < snapshot->callsite_count &&
           (id < SEGMENT_SINK_COUNT || snapshot->callsites[id].node);
}

/* Which callsites occur; NULL when memory is short. */
static bool *find_wanted(const struct trace_moments *moments,
                         const struct segment_snapshot *snapshot)
{
    bool *wanted = calloc(snapshot->callsite_count + 1u, sizeof(*wanted));

    for (size_t i = 0; wanted && i < moments->count; i++)
        if (is_callsite(snapshot, moments->list[i].callsite))
            wanted[moments->list[i].callsite] = true;
    return wanted;
}

/* The samples come in the order of the callsites. */
static int add_stacks(struct trace_stacks *stacks, const bool *wanted)
{
    size_t sample = 0;

    for (uint32_t id = 1; id < stacks->callsite_count; id++) {
        if (!wanted[id])
            continue;
        stacks->list[id].sample = &stacks->profile->samples[sample++];
        stacks->list[id].leaf = intern_stack(stacks, stacks->list[id].sample);
        if (!stacks->list[id].leaf)
            return -ENOMEM;
    }
    return 0;
}

int trace_stacks_make(const struct trace_moments *moments,
                      const struct segment_snapshot *snapshot,
                      struct symbolizer *symbolizer,
                      struct trace_stacks *stacks)
{
    bool *wanted = find_wanted(moments, snapshot);
    int err = -ENOMEM;

    *stacks = (struct trace_stacks){
        .frame_count = 1,
        .callsite_count = snapshot->callsite_count,
        .list = calloc(snapshot->callsite_count + 1u, sizeof(*stacks->list)),
    };
    if (wanted)
        stacks->profile =
            profile_from_callsites(snapshot, symbolizer, &kind, wanted);
    if (stacks->profile && stacks->list)
        err = make_room(stacks);
    if (!err)
        err = add_stacks(stacks, wanted);
    free(wanted);
    return err;
}

uint32_t trace_stacks_leaf(const struct trace_stacks *stacks, uint32_t callsite)
{
    return callsite < stacks->callsite_count ? stacks->list[callsite].leaf : 0;
}

struct profile_label_set trace_stacks_labels(const struct trace_stacks *stacks,
                                             uint32_t callsite)
{
    return profile_labels(stacks->profile, stacks->list[callsite].sample);
}

static const struct profile_location *
location_of(const struct trace_stacks *stacks, uint32_t frame)
{
    return &stacks->profile->locations[stacks->frames[frame].location];
}

const struct profile_line *trace_stacks_line(const struct trace_stacks *stacks,
                                             uint32_t frame)
{
    return &location_of(stacks, frame)->lines[stacks->frames[frame].line];
}

const char *trace_stacks_module(const struct trace_stacks *stacks,
                                uint32_t frame)
{
    uint32_t mapping = location_of(stacks, frame)->mapping;

    return mapping ? stacks->profile->mappings[mapping - 1].file : "";
}

void trace_stacks_free(struct trace_stacks *stacks)
{
    profile_free(stacks->profile);
    free(stacks->frames);
    free(stacks->slots);
    free(stacks->list);
}
