/* SPDX-License-Identifier: MIT */
/*
 * fuzz_trace.c - a hostile ring of moments, from the file to the trace.
 *
 * The input is what a writer does to a small sound segment, two extents of the
 * ring among it, one thing after the other:
 *
 *   u8 0  u8 kind and thread, u8 callsite, u16 end, u16 delay (us)
 *         a moment, as the shim writes it
 *   u8 1  u16 element, 32 bytes    over what the element is
 *   u8 2  u64                      `moments` is this
 *   u8 3  u16                      so many are begun and never written
 *   u8 4  u8 entry, u64            a word of the extent table is this
 *   u8 5                           the reader takes what there is
 *
 * The reader has then what a slow model of segment.h has, the trace is sound,
 * and each moment that was begun is in it or counted as lost.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "segment_build.h"
#include "segment_read.h"
#include "symbolize.h"
#include "trace_json.h"
#include "trace_ring.h"

#define EXTENTS  2u /* of the ring */
#define ELEMENTS (EXTENTS * SEGMENT_MOMENTS_PER_EXTENT)
#define BEGIN_NS UINT64_C(1000000000)
#define END_NS   UINT64_C(1065536000)

/* ---- the file ----------------------------------------------------------- */

static struct segment_build sound, now;
static size_t file_size;
static int fd;
static bool table_is_sound;

static struct segment_moment *element_at(uint32_t element)
{
    return segment_build_at(&now, SEGMENT_EXTENT_MOMENTS, 0, element);
}

static void begin(void)
{
    uint32_t labels, root;

    segment_build_small(&sound);
    labels = segment_build_label(&sound, 0, "job", "\x1b\"\\");
    labels = segment_build_label(&sound, labels, "queue", "\xff\n");
    root = segment_build_root(&sound, labels);
    segment_build_callsite(&sound,
                           segment_build_node(&sound, root, 0x401111, 1), 1);
    for (uint32_t i = 0; i < EXTENTS; i++)
        segment_build_at(&sound, SEGMENT_EXTENT_MOMENTS, 0,
                         i * SEGMENT_MOMENTS_PER_EXTENT);
    file_size = segment_build_size(&sound);
    fd = segment_build_file(&sound, file_size);
    segment_build_begin(&now);
}

static void restore(void)
{
    memcpy(now.bytes, sound.bytes, file_size);
    table_is_sound = true;
}

static void write_file(void)
{
    REQUIRE(pwrite(fd, now.bytes, file_size, 0) == (ssize_t)file_size);
}

/* ---- the model ---------------------------------------------------------- */

static struct segment_moment *taken; /* with their states */
static size_t taken_count, taken_room;

/* Whether the element's moment is later than all that were taken from it. */
static bool is_later(uint64_t number)
{
    for (size_t i = 0; i < taken_count; i++) {
        uint64_t other = taken[i].state / 2 - 1;

        if (other % SEGMENT_MOMENTS == number % SEGMENT_MOMENTS &&
            other >= number)
            return false;
    }
    return true;
}

static void model_take(void)
{
    uint64_t moments = now.header->trace.moments;

    for (uint32_t i = 0; i < ELEMENTS; i++) {
        const struct segment_moment *moment = element_at(i);
        uint64_t number = moment->state / 2 - 1;

        if (moment->state == 0 ||
            moment->state != SEGMENT_MOMENT_COMPLETE(number) ||
            number % SEGMENT_MOMENTS != i || number >= moments ||
            moments - number > SEGMENT_MOMENTS || !is_later(number))
            continue;
        if (taken_count == taken_room) {
            taken_room = 2 * taken_room + 64;
            taken = realloc(taken, taken_room * sizeof(*taken));
            REQUIRE(taken);
        }
        taken[taken_count++] = *moment;
    }
}

/* Where too many came, the shortest waits are left out. */
static bool is_short(const struct segment_moment *moment, uint64_t short_ns)
{
    return SEGMENT_EVENT_MAY_BE_SHORT(SEGMENT_MOMENT_EVENT(moment->thread)) &&
           moment->delay_ns < short_ns;
}

static void check_taken(struct trace_moments moments)
{
    const struct segment_moment *moment = moments.list;
    uint64_t shorts = 0;

    for (size_t i = 0; i < taken_count; i++) {
        if (is_short(&taken[i], moments.short_ns)) {
            shorts++;
            continue;
        }
        REQUIRE(moment < moments.list + moments.count &&
                moment->end_ns == taken[i].end_ns &&
                moment->delay_ns == taken[i].delay_ns &&
                moment->callsite == taken[i].callsite &&
                moment->thread == taken[i].thread);
        moment++;
    }
    REQUIRE(moments.count + shorts == taken_count && moments.shorts == shorts);
}

/* ---- the input ---------------------------------------------------------- */

struct input {
    const uint8_t *at, *end;
};

/* Little endian; zeros after the end. */
static uint64_t get(struct input *input, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size && input->at < input->end; i++)
        value |= (uint64_t)*input->at++ << 8 * i;
    return value;
}

static void write_moment(struct input *input)
{
    uint64_t number = now.header->trace.moments++;
    uint32_t place = (uint32_t)(number % SEGMENT_MOMENTS);
    uint32_t kind = (uint32_t)get(input, 1);
    uint32_t callsite = (uint32_t)get(input, 1);
    uint64_t end_us = get(input, 2), delay_us = get(input, 2);

    if (place < ELEMENTS)
        *element_at(place) = (struct segment_moment){
            .state = SEGMENT_MOMENT_COMPLETE(number),
            .end_ns = BEGIN_NS + end_us * 1000,
            .delay_ns = delay_us * 1000,
            .callsite = callsite,
            .thread = SEGMENT_MOMENT_THREAD(kind % 8, 1 + kind / 8),
        };
}

static void overwrite(struct input *input)
{
    uint8_t *bytes = (void *)element_at((uint32_t)get(input, 2) % ELEMENTS);

    for (size_t i = 0; i < sizeof(struct segment_moment); i++)
        bytes[i] = (uint8_t)get(input, 1);
}

static void drain(struct trace_ring *ring)
{
    write_file();
    REQUIRE(trace_ring_drain(ring) == 0 || !table_is_sound);
    if (table_is_sound)
        model_take();
}

static void run(struct input *input, struct trace_ring *ring)
{
    while (input->at < input->end) {
        switch (get(input, 1) % 6) {
        case 0:
            write_moment(input);
            break;
        case 1:
            overwrite(input);
            break;
        case 2:
            now.header->trace.moments = get(input, 8);
            break;
        case 3:
            now.header->trace.moments += get(input, 2);
            break;
        case 4: {
            uint64_t entry = get(input, 1) % SEGMENT_BUILD_EXTENTS_MAX;

            now.extents[entry] = get(input, 8);
            table_is_sound = false;
            break;
        }
        case 5:
            drain(ring);
            break;
        }
    }
    drain(ring);
}

/* ---- the trace ---------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    REQUIRE(text);
    return text;
}

/* The CPU samples of a chunk that are not idle. */
static uint64_t check_chunk(const json_t *data)
{
    const json_t *profile = json_object_get(data, "cpuProfile");
    const json_t *samples = json_object_get(profile, "samples");
    const json_t *times = json_object_get(data, "timeDeltas");
    json_t *nodes = json_object(), *value;
    uint64_t count = 0;
    size_t i;

    json_array_foreach(json_object_get(profile, "nodes"), i, value)
    {
        json_int_t parent =
            json_integer_value(json_object_get(value, "parent"));
        char id[24];

        snprintf(id, sizeof(id), "%lld", (long long)parent);
        REQUIRE(!parent || json_object_get(nodes, id));
        snprintf(id, sizeof(id), "%lld",
                 (long long)json_integer_value(json_object_get(value, "id")));
        REQUIRE(!json_object_get(nodes, id));
        json_object_set(nodes, id, json_object_get(value, "callFrame"));
    }
    REQUIRE(json_array_size(samples) == json_array_size(times));
    json_array_foreach(samples, i, value)
    {
        char id[24];

        REQUIRE(json_integer_value(json_array_get(times, i)) >= 0);
        snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(value));
        count += strcmp(text_of(json_object_get(nodes, id), "functionName"),
                        "(idle)") != 0;
    }
    json_decref(nodes);
    return count;
}

/* How many moments an event stands for. */
static uint64_t check_event(const json_t *event, const json_t *frames)
{
    const json_t *args = json_object_get(event, "args");
    const char *phase = text_of(event, "ph"), *name = text_of(event, "name");
    char leaf[24];

    if (strcmp(phase, "P") == 0)
        return strcmp(name, "ProfileChunk") == 0
                   ? check_chunk(json_object_get(args, "data"))
                   : 0;
    if (strcmp(phase, "X") != 0 && strcmp(phase, "i") != 0)
        return 0;
    snprintf(leaf, sizeof(leaf), "%lld",
             (long long)json_integer_value(json_object_get(event, "sf")));
    REQUIRE(json_object_get(frames, leaf) && *text_of(args, "place"));
    return strcmp(name, "CPU sample") != 0;
}

static void check_trace(const char *text, size_t size, uint64_t begun)
{
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *frames = json_object_get(root, "stackFrames");
    const json_t *events = json_object_get(root, "traceEvents");
    uint64_t shown = 0;
    const json_t *event;
    size_t i;

    REQUIRE(root && frames && json_array_size(events) > 0);
    json_array_foreach(events, i, event) shown += check_event(event, frames);
    REQUIRE(shown + strtoull(text_of(json_object_get(root, "otherData"),
                                     "events lost"),
                             NULL, 10) ==
            begun);
    json_decref(root);
}

static void check_json(struct trace_moments moments)
{
    struct trace_counter counter = {.time_ns = BEGIN_NS, .has_heap = true};
    struct trace_thread thread = {.tid = 1, .name = "\"\xff\x1b[m"};
    struct trace trace = {
        .begin_ns = BEGIN_NS,
        .end_ns = END_NS,
        .hz = 100,
        .moments = moments,
        .counters = &counter,
        .counter_count = 1,
        .threads = &thread,
        .thread_count = 1,
    };
    struct segment_snapshot *snapshot;
    struct segment_error error;
    struct symbolizer *symbolizer;
    char *text = NULL;
    size_t size;
    FILE *out;

    if (segment_read_fd(fd, "fuzz", SEGMENT_READ_STACKS, &snapshot, &error))
        return;
    out = open_memstream(&text, &size);
    symbolizer = symbolizer_new();
    REQUIRE(out && symbolizer);
    REQUIRE(trace_json_write(&trace, snapshot, symbolizer, out) == 0);
    REQUIRE(fclose(out) == 0);
    check_trace(text, size, moments.count + moments.lost);
    free(text);
    symbolizer_free(symbolizer);
    segment_snapshot_free(snapshot);
}

/* ---- the target --------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct trace_ring *ring;

    if (!now.bytes)
        begin();
    restore();
    write_file();
    taken_count = 0;
    REQUIRE(trace_ring_open(fd, &ring) == 0);
    run(&input, ring);
    if (table_is_sound)
        check_taken(trace_ring_moments(ring));
    check_json(trace_ring_moments(ring));
    trace_ring_close(ring);
    return 0;
}
