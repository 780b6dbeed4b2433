/* SPDX-License-Identifier: MIT */
/*
 * segment_build.h - a segment made by hand, for tests of its readers.
 *
 * Written from shim/segment.h alone: it must never use the shim's writer or
 * the tools' reader, against which it stands. Everything is in memory and may
 * be damaged there before it is written to a file. Limits are not checked: a
 * test that wants a broken segment gets one. Read next: segment.h,
 * snapshot_check.h.
 */
#ifndef PREPROF_TESTS_SEGMENT_BUILD_H
#define PREPROF_TESTS_SEGMENT_BUILD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "segment.h"

#define SEGMENT_BUILD_EXTENTS_MAX 32u

struct segment_build {
    uint8_t *bytes; /* zeroed up to SEGMENT_BUILD_EXTENTS_MAX extents */
    struct segment_header *header; /* at the start of bytes */
    uint64_t *extents;             /* the table, in bytes */
};

#define SEGMENT_BUILD_SIZE                                                     \
    (SEGMENT_EXTENTS_OFFSET + SEGMENT_BUILD_EXTENTS_MAX * SEGMENT_EXTENT_SIZE)

/* A live segment in exact mode without any record, in SEGMENT_BUILD_SIZE bytes
 * of zeros. */
static inline void segment_build_begin_at(struct segment_build *build,
                                          uint8_t *bytes)
{
    build->bytes = bytes;
    build->header = (void *)bytes;
    build->extents = (void *)(bytes + SEGMENT_EXTENT_TABLE_OFFSET);
    *build->header = (struct segment_header){
        .magic = SEGMENT_MAGIC,
        .version = SEGMENT_VERSION,
        .byte_order = SEGMENT_BYTE_ORDER,
        .header_size = sizeof(struct segment_header),
        .extents_max = SEGMENT_BUILD_EXTENTS_MAX,
        .pid = 4711,
        .start_time = 815,
        .program = "built",
        .allocator = "libc.so.6",
        .version_text = "0",
        .mode = SEGMENT_MODE_WORD(SEGMENT_MODE_EXACT, 0),
        .recording_ns = 1,
        .modes_used = 1u << SEGMENT_MODE_EXACT,
        .status = SEGMENT_OK,
        .state = SEGMENT_LIVE,
        .callsites_used = SEGMENT_SINK_COUNT,
        .nodes_used = 1,
        .shards_used = 1,
        .labels_used = 1,
    };
}

static inline void segment_build_begin(struct segment_build *build)
{
    uint8_t *bytes = calloc(1, SEGMENT_BUILD_SIZE);

    if (!bytes)
        abort();
    segment_build_begin_at(build, bytes);
}

static inline void segment_build_end(struct segment_build *build)
{
    free(build->bytes);
}

/* Bytes of the file: the used prefix, or all there is when the header asks for
 * more. */
static inline size_t segment_build_size(const struct segment_build *build)
{
    size_t extents = build->header->extents_used;

    if (extents > SEGMENT_BUILD_EXTENTS_MAX)
        extents = SEGMENT_BUILD_EXTENTS_MAX;
    return SEGMENT_EXTENTS_OFFSET + extents * SEGMENT_EXTENT_SIZE;
}

/* Where an element is, in an extent that is added when it is not there. */
static inline void *segment_build_at(struct segment_build *build,
                                     enum segment_extent_type type,
                                     uint32_t owner, uint32_t element)
{
    static const struct {
        uint32_t size, count;
    } kinds[] = {
        [SEGMENT_EXTENT_COUNTERS] = {32, SEGMENT_ROWS_PER_EXTENT},
        [SEGMENT_EXTENT_NODES] = {16, SEGMENT_NODES_PER_EXTENT},
        [SEGMENT_EXTENT_CALLSITES] = {8, SEGMENT_CALLSITES_PER_EXTENT},
        [SEGMENT_EXTENT_MODULES] = {96, SEGMENT_MODULES_PER_EXTENT},
        [SEGMENT_EXTENT_STRINGS] = {1, SEGMENT_EXTENT_SIZE},
        [SEGMENT_EXTENT_PEAKS] = {16, SEGMENT_PEAKS_PER_EXTENT},
        [SEGMENT_EXTENT_EVENTS] = {16, SEGMENT_EVENTS_PER_EXTENT},
        [SEGMENT_EXTENT_THREADS] = {24, SEGMENT_THREADS_PER_EXTENT},
        [SEGMENT_EXTENT_LABELS] = {256, SEGMENT_LABELS_PER_EXTENT},
        [SEGMENT_EXTENT_MOMENTS] = {32, SEGMENT_MOMENTS_PER_EXTENT},
    };
    uint32_t place = element % kinds[type].count, i = 0;
    uint64_t word = SEGMENT_EXTENT_WORD(type, owner, element - place);

    while (i < build->header->extents_used && build->extents[i] != word)
        i++;
    if (i == SEGMENT_BUILD_EXTENTS_MAX)
        abort();
    if (i == build->header->extents_used)
        build->extents[build->header->extents_used++] = word;
    return build->bytes + SEGMENT_EXTENTS_OFFSET +
           (size_t)i * SEGMENT_EXTENT_SIZE + (size_t)place * kinds[type].size;
}

/* Returns the module's index. Its code is all of it but the first page. */
static inline uint32_t segment_build_module(struct segment_build *build,
                                            const char *path, uint64_t start,
                                            uint64_t end)
{
    uint32_t index = build->header->modules_used++;
    uint32_t length = (uint32_t)strlen(path);
    uint32_t offset = build->header->strings_used;
    struct segment_module *module =
        segment_build_at(build, SEGMENT_EXTENT_MODULES, 0, index);

    build->header->strings_used += length;
    memcpy(segment_build_at(build, SEGMENT_EXTENT_STRINGS, 0, offset), path,
           length);
    *module = (struct segment_module){
        .start = start,
        .end = end,
        .bias = start,
        .text_start = start + 4096,
        .text_end = end,
        .text_offset = 4096,
        .path = offset,
        .path_length = length,
        .build_id = {0xab, 0xcd, (uint8_t)index},
        .build_id_length = 20,
        .flags = index == 0 ? SEGMENT_MODULE_MAIN : 0,
    };
    return index;
}

/* Returns the node's id. `module` is index + 1, or 0. */
static inline uint32_t segment_build_node(struct segment_build *build,
                                          uint32_t parent, uint64_t pc,
                                          uint32_t module)
{
    uint32_t id = build->header->nodes_used++;
    struct segment_node *node =
        segment_build_at(build, SEGMENT_EXTENT_NODES, 0, id);

    *node = (struct segment_node){
        .pc = pc, .parent = parent, .module = (uint16_t)module};
    return id;
}

/* Returns the callsite's id. */
static inline uint32_t segment_build_callsite(struct segment_build *build,
                                              uint32_t node, uint32_t depth)
{
    uint32_t id = build->header->callsites_used++;
    struct segment_callsite *callsite =
        segment_build_at(build, SEGMENT_EXTENT_CALLSITES, 0, id);

    *callsite = (struct segment_callsite){node, depth};
    return id;
}

/* Returns the label's id: a set with those of `parent`, whose keys are lesser. */
static inline uint32_t segment_build_label(struct segment_build *build,
                                           uint32_t parent, const char *key,
                                           const char *value)
{
    uint32_t id = build->header->labels_used++;
    struct segment_label *label =
        segment_build_at(build, SEGMENT_EXTENT_LABELS, 0, id);

    *label = (struct segment_label){.parent = parent,
                                    .key_length = (uint16_t)strlen(key),
                                    .value_length = (uint16_t)strlen(value)};
    memcpy(label->text, key, strlen(key));
    memcpy(label->text + strlen(key), value, strlen(value));
    return id;
}

/* Returns the id of a node of labels. */
static inline uint32_t segment_build_root(struct segment_build *build,
                                          uint32_t labels)
{
    uint32_t id = segment_build_node(build, 0, labels, 0);
    struct segment_node *node =
        segment_build_at(build, SEGMENT_EXTENT_NODES, 0, id);

    node->flags = SEGMENT_NODE_LABELS;
    return id;
}

/* The counters of a callsite in a shard. */
static inline struct segment_row *segment_build_row(struct segment_build *build,
                                                    uint32_t shard,
                                                    uint32_t callsite)
{
    if (build->header->shards_used <= shard)
        build->header->shards_used = shard + 1;
    return segment_build_at(build, SEGMENT_EXTENT_COUNTERS, shard, callsite);
}

/* Says that the row of a callsite in a shard was last saved in `epoch`, and
 * returns what for. */
static inline struct segment_peak *
segment_build_peak(struct segment_build *build, uint32_t shard,
                   uint32_t callsite, uint64_t epoch)
{
    struct segment_row *row = segment_build_row(build, shard, callsite);

    row->alloc_objects =
        SEGMENT_OBJECTS(row->alloc_objects) | epoch << SEGMENT_OBJECTS_BITS;
    return segment_build_at(build, SEGMENT_EXTENT_PEAKS, shard, callsite);
}

/* What happened at a callsite, of one kind. */
static inline struct segment_event_row *
segment_build_event(struct segment_build *build, enum segment_event event,
                    uint32_t callsite)
{
    return segment_build_at(build, SEGMENT_EXTENT_EVENTS, (uint32_t)event,
                            callsite);
}

/*
 * The segment that the tests damage: a main program and a library, three
 * stacks, two of which share their outer frames, counters in two shards, one
 * sink. Of everything it has little, and each kind of record.
 */
static inline void segment_build_small(struct segment_build *build)
{
    uint32_t outer, middle, leaf;

    segment_build_begin(build);
    segment_build_module(build, "/nowhere/bin/built", 0x400000, 0x500000);
    segment_build_module(build, "/nowhere/lib/built.so", 0x7f0000000000,
                         0x7f0000100000);
    outer = segment_build_node(build, 0, 0x401111, 1);
    middle = segment_build_node(build, outer, 0x402222, 1);
    leaf = segment_build_node(build, middle, 0x7f0000003333, 2);
    segment_build_callsite(build, leaf, 3);
    segment_build_callsite(build, middle, 2);
    segment_build_callsite(build, segment_build_node(build, outer, 0x66, 0), 2);
    *segment_build_row(build, 0, 8) = (struct segment_row){7, 700, 2, 200};
    *segment_build_row(build, 1, 8) = (struct segment_row){3, 300, 1, 100};
    *segment_build_row(build, 0, 9) = (struct segment_row){5, 55, 5, 55};
    *segment_build_row(build, 1, 10) = (struct segment_row){11, 1111, 0, 0};
    *segment_build_row(build, 1, SEGMENT_SINK_NESTED) =
        (struct segment_row){2, 32, 1, 16};
    *segment_build_event(build, SEGMENT_EVENT_BLOCK, 9) =
        (struct segment_event_row){13, 1300};
    *segment_build_event(build, SEGMENT_EVENT_THREAD, SEGMENT_SINK_NO_STACK) =
        (struct segment_event_row){1, 0};
    build->header->losses[SEGMENT_LOSS_STACK_TRUNCATED] = 13;
}

/*
 * The same with labels, at the end of what there is: two sets, the second with
 * what needs quotes; a stack under the first, which allocates and waits; and a
 * thread that was created at callsite 8 and has the second, in its first place.
 */
#define SEGMENT_BUILD_TID (SEGMENT_THREADS_MAX + 1)
static inline void segment_build_labelled(struct segment_build *build)
{
    uint32_t first, second, callsite;
    struct segment_thread *thread;

    segment_build_small(build);
    first = segment_build_label(build, 0, "a", "1");
    second = segment_build_label(build, first, "b", "\"\\\x01\xff\xc3\xa4");
    callsite = segment_build_callsite(
        build,
        segment_build_node(build, segment_build_root(build, first), 0x401111,
                           1),
        1);
    *segment_build_row(build, 0, callsite) =
        (struct segment_row){17, 170, 0, 0};
    *segment_build_event(build, SEGMENT_EVENT_BLOCK, callsite) =
        (struct segment_event_row){19, 1900};
    thread = segment_build_at(build, SEGMENT_EXTENT_THREADS, 0,
                              SEGMENT_BUILD_TID % SEGMENT_THREADS_MAX);
    *thread = (struct segment_thread){
        .who = SEGMENT_THREAD_WHO(SEGMENT_BUILD_TID, 8),
        .created_ns = 1000000000,
        .labels = SEGMENT_THREAD_LABELS_SINCE(1000000000) | second,
    };
}

/* An unnamed file of the first `size` bytes; the caller closes it. */
static inline int segment_build_file(const struct segment_build *build,
                                     size_t size)
{
    int fd = memfd_create("segment", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, (off_t)size) != 0 ||
        pwrite(fd, build->bytes, size, 0) != (ssize_t)size)
        abort();
    return fd;
}

#endif
