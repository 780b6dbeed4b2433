/* SPDX-License-Identifier: MIT */
/*
 * test_segment_read.c - segments sound and damaged, read.
 *
 * Goal: a sound segment is read as a slow, obvious model of it says; a damaged
 * one gives an error that names the file, the place and the reason, or, where
 * the format allows what is there, a snapshot that keeps every promise of
 * segment_read.h. Method: segments made field by field (segment_build.h), then
 * damaged one by one.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "process_read.h"
#include "segment_build.h"
#include "segment_read.h"
#include "snapshot_check.h"

/* A row per failure: cmocka's own messages do not say which. */
#define EXPECT(condition, ...)                                                 \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_msg(__VA_ARGS__);                                             \
    } while (0)

static struct segment_error error;

static struct segment_snapshot *read_file(int fd, int *err)
{
    struct segment_snapshot *snapshot;

    *err = segment_read_fd(fd, "built", SEGMENT_READ_STACKS, &snapshot, &error);
    EXPECT((*err == 0) == (snapshot != NULL), "an error and a snapshot");
    return snapshot;
}

/* Reads the first `size` bytes as a file; NULL when there is an error. */
static struct segment_snapshot *read_bytes(const struct segment_build *build,
                                           size_t size, int *err)
{
    int fd = segment_build_file(build, size);
    struct segment_snapshot *snapshot = read_file(fd, err);

    close(fd);
    return snapshot;
}

static struct segment_snapshot *read_sound(const struct segment_build *build)
{
    int err;
    struct segment_snapshot *snapshot =
        read_bytes(build, segment_build_size(build), &err);
    const char *fault;

    EXPECT(!err, "%" PRIu64 ": %s", error.offset, error.reason);
    fault = snapshot_fault(snapshot, true);
    EXPECT(!fault, "%s", fault);
    return snapshot;
}

static void expect_error(const struct segment_build *build, int err,
                         uint64_t offset, const char *reason)
{
    char line[SEGMENT_ERROR_LINE_SIZE], start[64];
    int got;

    segment_snapshot_free(read_bytes(build, segment_build_size(build), &got));
    EXPECT(got == err, "%s: %d, not %d", reason, got, err);
    EXPECT(error.offset == offset, "%s: at %" PRIu64 ", not %" PRIu64, reason,
           error.offset, offset);
    EXPECT(strstr(error.reason, reason), "\"%s\", not \"%s\"", error.reason,
           reason);
    segment_error_line(&error, line, sizeof(line));
    snprintf(start, sizeof(start), "built:%" PRIu64 ": ", offset);
    EXPECT(strncmp(line, start, strlen(start)) == 0, "%s", line);
}

/* ---- sound segments, against a model ----------------------------------- */

enum { CALLSITES = 5003, SHARDS = 3, MODULES = 5 };

struct model {
    struct segment_row rows[SHARDS][CALLSITES];
    uint32_t path[CALLSITES][8]; /* pcs, leaf first, 0 ends */
    uint32_t depth[CALLSITES];
};

/* Every callsite has nodes of its own, each in one of the modules or none. */
static void build_model(struct segment_build *build, struct model *model)
{
    char path[32];

    srand(11);
    segment_build_begin(build);
    build->header->state = SEGMENT_EXITED;
    for (uint32_t i = 0; i < MODULES; i++) {
        snprintf(path, sizeof(path), "/nowhere/%u", i * i);
        segment_build_module(build, path, i << 20, (i + 1) << 20);
    }
    for (uint32_t id = SEGMENT_SINK_COUNT; id < CALLSITES; id++) {
        uint32_t depth = 1 + (uint32_t)rand() % 3, node = 0;

        for (uint32_t i = depth; i-- > 0;) {
            model->path[id][i] = 1 + (uint32_t)rand() % (1u << 23);
            node = segment_build_node(build, node, model->path[id][i],
                                      (uint32_t)rand() % (MODULES + 1));
        }
        model->depth[id] = depth;
        segment_build_callsite(build, node, depth);
    }
    for (uint32_t id = 0; id < CALLSITES; id++)
        for (uint32_t shard = 0; shard < SHARDS; shard++) {
            struct segment_row *row = &model->rows[shard][id];

            /* A block may be freed by a thread of another shard: then this
             * one has more frees than allocs. */
            row->alloc_objects = (uint64_t)rand() % 1000 * (shard == 0);
            row->alloc_space = row->alloc_objects * 48;
            row->free_objects = row->alloc_objects / 3 + (shard == 0);
            row->free_space = row->free_objects * 48;
            if (shard == 1)
                row->alloc_objects = 3, row->alloc_space = 3 * 48;
            *segment_build_row(build, shard, id) = *row;
        }
}

static void check_values(const struct segment_snapshot *snapshot,
                         const struct model *model)
{
    struct segment_values total = {0};

    for (uint32_t id = 1; id < CALLSITES; id++) {
        struct segment_values *got = &snapshot->values[id];
        uint64_t objects = 0, freed = 0;

        for (uint32_t shard = 0; shard < SHARDS; shard++) {
            objects += model->rows[shard][id].alloc_objects;
            freed += model->rows[shard][id].free_objects;
        }
        EXPECT(got->alloc_objects == objects &&
                   got->alloc_space == objects * 48 &&
                   got->inuse_objects == objects - freed &&
                   got->inuse_space == (objects - freed) * 48,
               "callsite %u", id);
        total.alloc_objects += objects;
        total.inuse_objects += objects - freed;
    }
    assert_int_equal(snapshot->total.alloc_objects, total.alloc_objects);
    assert_int_equal(snapshot->total.alloc_space, total.alloc_objects * 48);
    assert_int_equal(snapshot->total.inuse_objects, total.inuse_objects);
    assert_int_equal(snapshot->total.inuse_space, total.inuse_objects * 48);
}

static void test_model(void **state)
{
    (void)state;
    static struct model model;
    struct segment_build build;
    struct segment_snapshot *snapshot;

    build_model(&build, &model);
    snapshot = read_sound(&build);
    assert_memory_equal(&snapshot->header, build.header,
                        sizeof(snapshot->header));
    assert_int_equal(snapshot->life, SEGMENT_LIFE_EXITED);
    assert_int_equal(snapshot->callsite_count, CALLSITES);
    assert_int_equal(snapshot->recorded, CALLSITES - 1);
    assert_int_equal(snapshot->module_count, MODULES);
    check_values(snapshot, &model);
    /* Row 0 of a shard is struct segment_calls: allocs, frees, unknown. */
    uint64_t calls[3] = {0};
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        calls[0] += model.rows[shard][0].alloc_objects;
        calls[1] += model.rows[shard][0].alloc_space;
        calls[2] += model.rows[shard][0].free_objects;
    }
    assert_int_equal(snapshot->calls.allocs, calls[0]);
    assert_int_equal(snapshot->calls.frees, calls[1]);
    assert_int_equal(snapshot->calls.unknown_frees, calls[2]);
    assert_int_equal(snapshot->losses[SEGMENT_LOSS_UNKNOWN_ORIGIN], calls[2]);
    for (uint32_t id = SEGMENT_SINK_COUNT; id < CALLSITES; id++) {
        uint32_t node = snapshot->callsites[id].node, depth = 0;

        for (; node; node = snapshot->nodes[node].parent)
            assert_int_equal(snapshot->nodes[node].pc, model.path[id][depth++]);
        assert_int_equal(depth, model.depth[id]);
    }
    for (uint32_t i = 0; i < MODULES; i++) {
        const struct segment_module *module = &snapshot->modules[i];
        char path[32];

        snprintf(path, sizeof(path), "/nowhere/%u", i * i);
        assert_int_equal(module->path_length, strlen(path));
        assert_memory_equal(snapshot->strings + module->path, path,
                            module->path_length);
        assert_int_equal(module->start, i << 20);
    }
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* Totals alone are the same totals. */
static void test_totals(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *all, *totals;
    int fd;

    segment_build_small(&build);
    all = read_sound(&build);
    fd = segment_build_file(&build, segment_build_size(&build));
    assert_int_equal(
        segment_read_fd(fd, "x", SEGMENT_READ_TOTALS, &totals, &error), 0);
    close(fd);
    assert_null(snapshot_fault(totals, false));
    assert_memory_equal(&totals->total, &all->total, sizeof(all->total));
    assert_int_equal(totals->recorded, all->recorded);
    assert_null(totals->nodes);
    assert_int_equal(all->total.alloc_objects, 7 + 3 + 5 + 11 + 2);
    assert_int_equal(all->total.inuse_space, 700 + 1111 + 16);
    assert_int_equal(all->recorded, 4);
    assert_int_equal(all->losses[SEGMENT_LOSS_STACK_TRUNCATED], 13);
    segment_snapshot_free(all);
    segment_snapshot_free(totals);
    segment_build_end(&build);
}

static void test_empty(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;

    segment_build_begin(&build); /* dormant: not one extent */
    build.header->mode = SEGMENT_MODE_OFF;
    build.header->extents_max = 0;
    snapshot = read_sound(&build);
    assert_int_equal(snapshot->total.alloc_objects, 0);
    assert_int_equal(snapshot->recorded, 0);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* ---- records that are not complete ------------------------------------- */

static void test_unpublished(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;
    struct segment_callsite *callsites;
    struct segment_module *modules;

    /* Beyond what is there, records that were never written. */
    segment_build_small(&build);
    build.header->callsites_used += 2;
    build.header->nodes_used += 3;
    build.header->modules_used += 1;
    build.header->strings_used += 5;
    *segment_build_row(&build, 0, 11) = (struct segment_row){1, 8, 0, 0};
    snapshot = read_sound(&build);
    assert_int_equal(snapshot->callsite_count, 13);
    assert_int_equal(snapshot->values[11].alloc_objects, 0);
    assert_int_equal(snapshot->modules[2].end, 0);
    assert_int_equal(snapshot->recorded, 4);
    segment_snapshot_free(snapshot);

    /* A callsite over a node that is not there: its counters stay, as those
     * of a lost stack. */
    struct segment_node *leaf =
        segment_build_at(&build, SEGMENT_EXTENT_NODES, 0, 3);
    leaf->pc = 0;
    snapshot = read_sound(&build);
    assert_int_equal(snapshot->callsites[8].node, 0);
    assert_int_equal(snapshot->values[8].alloc_objects, 0);
    assert_int_equal(snapshot->values[SEGMENT_SINK_NO_STACK].alloc_objects, 10);
    assert_int_equal(snapshot->total.alloc_objects, 7 + 3 + 5 + 11 + 2);
    segment_snapshot_free(snapshot);

    /* An unpublished callsite or module may hold anything. */
    callsites = segment_build_at(&build, SEGMENT_EXTENT_CALLSITES, 0, 8);
    callsites[0] = (struct segment_callsite){0, 0xffffffff};
    modules = segment_build_at(&build, SEGMENT_EXTENT_MODULES, 0, 2);
    memset(modules, 0xff, sizeof(*modules));
    modules->end = 0;
    snapshot = read_sound(&build);
    assert_int_equal(snapshot->values[8].alloc_objects, 0);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* An extent that was handed out and not yet named: word 0. */
static void test_unnamed_extent(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;

    segment_build_small(&build);
    build.header->extents_used += 2;
    snapshot = read_sound(&build);
    assert_int_equal(snapshot->total.alloc_objects, 28);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* What the writer was caught between two instructions with, and counters that
 * no process can have counted. */
static void test_odd_counters(void **state)
{
    (void)state;
    static const struct {
        struct segment_row row;
        struct segment_values values;
    } cases[] = {
        {{5, 50, 6, 60}, {5, 50, 0, 0}},
        {{5, 50, 5, 40}, {5, 50, 0, 0}},
        {{5, 50, 4, 60}, {5, 50, 1, 0}},
        {{0, 50, 0, 0}, {0, 0, 0, 0}},
        {{0, 0, 3, 30}, {0, 0, 0, 0}},
        {{UINT64_MAX, UINT64_MAX, 0, 0},
         {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}},
        {{INT64_MAX, INT64_MAX, INT64_MAX, 1}, {INT64_MAX, INT64_MAX, 0, 0}},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
         {INT64_MAX, INT64_MAX, 0, 0}},
    };
    struct segment_build build;

    segment_build_small(&build);
    memset(segment_build_row(&build, 1, 8), 0, sizeof(struct segment_row));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct segment_snapshot *snapshot;

        *segment_build_row(&build, 0, 8) = cases[i].row;
        snapshot = read_sound(&build);
        EXPECT(memcmp(&snapshot->values[8], &cases[i].values,
                      sizeof(cases[i].values)) == 0,
               "case %zu", i);
        segment_snapshot_free(snapshot);
    }
    /* Sums over shards stop at the top, too. */
    *segment_build_row(&build, 1, 8) = (struct segment_row){9, 9, 9, 9};
    struct segment_snapshot *snapshot = read_sound(&build);
    assert_int_equal(snapshot->values[8].alloc_space, INT64_MAX);
    assert_int_equal(snapshot->total.alloc_space, INT64_MAX);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* ---- fields damaged one by one ----------------------------------------- */

#define IN_HEADER(field) offsetof(struct segment_header, field)

static void damage_u32(size_t offset, uint32_t value, int err,
                       const char *reason)
{
    struct segment_build build;

    segment_build_small(&build);
    memcpy(build.bytes + offset, &value, sizeof(value));
    expect_error(&build, err, offset, reason);
    segment_build_end(&build);
}

static void test_header_fields(void **state)
{
    (void)state;
    struct segment_build build;

    damage_u32(IN_HEADER(magic), 0, -EINVAL, "not a preprof segment");
    damage_u32(IN_HEADER(version), 0, -EPROTONOSUPPORT,
               "version 0 is older than this tool");
    damage_u32(IN_HEADER(version), SEGMENT_VERSION + 1, -EPROTONOSUPPORT,
               "is newer than this tool");
    damage_u32(IN_HEADER(byte_order), 0x04030201, -EPROTONOSUPPORT,
               "another byte order");
    damage_u32(IN_HEADER(byte_order), 7, -EINVAL, "unknown byte order 0x7");
    damage_u32(IN_HEADER(header_size), 64, -EPROTONOSUPPORT, "is older than");
    damage_u32(IN_HEADER(header_size), 4096, -EPROTONOSUPPORT, "is newer than");
    damage_u32(IN_HEADER(extents_max), SEGMENT_EXTENTS_MAX + 1, -EINVAL,
               "extents_max is 4097, not 0 to 4096");
    damage_u32(IN_HEADER(pid), 0, -EINVAL, "pid is 0");
    damage_u32(IN_HEADER(pid), 0x80000000, -EINVAL, "pid is 2147483648");
    damage_u32(IN_HEADER(modes_used), 8, -EINVAL, "modes_used is 8");
    damage_u32(IN_HEADER(status), 99, -EINVAL, "status is 99");
    damage_u32(IN_HEADER(state), 0, -EINVAL, "state is 0");
    damage_u32(IN_HEADER(state), 3, -EINVAL, "state is 3");
    damage_u32(IN_HEADER(extents_used), SEGMENT_BUILD_EXTENTS_MAX + 1, -EINVAL,
               "extents_used is 33, not 0 to 32");
    damage_u32(IN_HEADER(callsites_used), 7, -EINVAL, "callsites_used is 7");
    damage_u32(IN_HEADER(callsites_used), SEGMENT_CALLSITES_MAX + 1, -EINVAL,
               "callsites_used is 1048577, not 8 to 1048576");
    damage_u32(IN_HEADER(nodes_used), 0, -EINVAL, "nodes_used is 0");
    damage_u32(IN_HEADER(nodes_used), SEGMENT_NODES_MAX + 1, -EINVAL,
               "nodes_used");
    damage_u32(IN_HEADER(modules_used), SEGMENT_MODULES_MAX + 1, -EINVAL,
               "modules_used");
    damage_u32(IN_HEADER(strings_used), SEGMENT_STRINGS_MAX + 1, -EINVAL,
               "strings_used");
    damage_u32(IN_HEADER(shards_used), SEGMENT_SHARDS_MAX + 1, -EINVAL,
               "shards_used");
    damage_u32(IN_HEADER(mode), 3, -EINVAL, "unknown mode 0x3");

    /* Texts without an end get one. */
    segment_build_small(&build);
    memset(build.header->program, 'p', sizeof(build.header->program));
    memset(build.header->note, 'n', sizeof(build.header->note));
    struct segment_snapshot *snapshot = read_sound(&build);
    assert_int_equal(strlen(snapshot->header.program), 63);
    assert_int_equal(strlen(snapshot->header.note), 255);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

static void test_extent_table(void **state)
{
    (void)state;
    const struct {
        uint64_t word;
        const char *reason;
    } cases[] = {
        {SEGMENT_EXTENT_WORD(0, 1, 0), "extent 2: unknown type 0"},
        {SEGMENT_EXTENT_WORD(6, 0, 0), "extent 2: unknown type 6"},
        {SEGMENT_EXTENT_WORD(0xff, 0, 0), "extent 2: unknown type 255"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_COUNTERS, 64, 0),
         "counters of owner 64, not below 64"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_NODES, 1, 0),
         "nodes of owner 1, not below 1"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_NODES, 0, 1),
         "nodes from 1, not a multiple of 4096"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_NODES, 0, SEGMENT_NODES_MAX),
         "nodes from 1048576, not a multiple of 4096 below 1048576"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_STRINGS, 0, SEGMENT_STRINGS_MAX),
         "strings from 4194304"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_MODULES, 0, 511),
         "modules from 511, not a multiple of 512"},
    };
    struct segment_build build;

    segment_build_small(&build);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        build.extents[2] = cases[i].word;
        expect_error(&build, -EINVAL, SEGMENT_EXTENT_TABLE_OFFSET + 16,
                     cases[i].reason);
    }
    build.extents[2] = build.extents[1];
    expect_error(&build, -EINVAL, SEGMENT_EXTENT_TABLE_OFFSET + 16,
                 "which an earlier extent holds");
    segment_build_end(&build);
}

/* Damages one field of a record of the small segment. */
#define DAMAGE(type, index, record, field, value, reason)                      \
    do {                                                                       \
        struct segment_build build_;                                           \
        struct record *at_;                                                    \
        segment_build_small(&build_);                                          \
        at_ = segment_build_at(&build_, type, 0, index);                       \
        at_->field = value;                                                    \
        expect_error(&build_, -EINVAL,                                         \
                     (uint64_t)((uint8_t *)&at_->field - build_.bytes),        \
                     reason);                                                  \
        segment_build_end(&build_);                                            \
    } while (0)
#define DAMAGE_MODULE(field, value, reason)                                    \
    DAMAGE(SEGMENT_EXTENT_MODULES, 1, segment_module, field, value, reason)

static void test_modules(void **state)
{
    (void)state;

    DAMAGE_MODULE(start, 0x7f0000100000, "module 1: it ends before it starts");
    DAMAGE_MODULE(end, UINT64_MAX, "above the address space");
    DAMAGE_MODULE(text_start, 0x7f0000100000, "its code is outside of it");
    DAMAGE_MODULE(text_start, 0x7effffffffff, "its code is outside of it");
    DAMAGE_MODULE(text_offset, UINT64_MAX, "nowhere in a file");
    DAMAGE_MODULE(path, UINT32_MAX, "its path is outside the strings");
    DAMAGE_MODULE(build_id_length, 33, "its build id is too long");

    /* A path of the right length with a NUL, and one that is too long. */
    struct segment_build build;
    struct segment_module *module;
    segment_build_small(&build);
    module = segment_build_at(&build, SEGMENT_EXTENT_MODULES, 0, 1);
    *(char *)segment_build_at(&build, SEGMENT_EXTENT_STRINGS, 0,
                              module->path + 1) = '\0';
    expect_error(&build, -EINVAL,
                 (uint64_t)((uint8_t *)&module->path - build.bytes),
                 "its path has a NUL in it");
    build.header->strings_used = SEGMENT_EXTENT_SIZE;
    module->path_length = PATH_MAX;
    expect_error(&build, -EINVAL,
                 (uint64_t)((uint8_t *)&module->path_length - build.bytes),
                 "its path is too long");
    segment_build_end(&build);
}

static void test_stacks(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_node *nodes;

    DAMAGE(SEGMENT_EXTENT_CALLSITES, 9, segment_callsite, node, 5,
           "callsite 9: node 5 is not below 5");
    /* The rest of an error names the record, not the field. */
    segment_build_small(&build);
    struct segment_callsite *callsite =
        segment_build_at(&build, SEGMENT_EXTENT_CALLSITES, 0, 9);
    uint64_t where = (uint64_t)((uint8_t *)callsite - build.bytes);
    callsite->depth = 3;
    expect_error(&build, -EINVAL, where,
                 "callsite 9: depth 3, but its stack has 2 frames");
    callsite->depth = 2;
    nodes = segment_build_at(&build, SEGMENT_EXTENT_NODES, 0, 0);
    nodes[1].parent = 2; /* 1 and 2 are each other's parents */
    expect_error(&build, -EINVAL, where - sizeof(*callsite),
                 "callsite 8: more than 1024 frames, or a cycle");
    nodes[1].parent = 1;
    expect_error(&build, -EINVAL, where - sizeof(*callsite), "or a cycle");
    nodes[1].parent = 99;
    expect_error(&build, -EINVAL, where - sizeof(*callsite),
                 "callsite 8: node 99 is not below 5");
    nodes[1].parent = 0;
    nodes[2].module = 3;
    expect_error(&build, -EINVAL,
                 (uint64_t)((uint8_t *)&nodes[2] - build.bytes),
                 "node 2: there is no module 2");
    segment_build_end(&build);
}

/* The deepest stack that is allowed, and one frame more. */
static void test_depth_limit(void **state)
{
    (void)state;
    struct segment_build build;
    uint32_t node = 0;

    segment_build_begin(&build);
    for (uint32_t i = 0; i < SEGMENT_DEPTH_MAX; i++)
        node = segment_build_node(&build, node, 100 + i, 0);
    segment_build_callsite(&build, node, SEGMENT_DEPTH_MAX);
    segment_snapshot_free(read_sound(&build));
    node = segment_build_node(&build, node, 99, 0);
    segment_build_callsite(&build, node, SEGMENT_DEPTH_MAX + 1);
    expect_error(&build, -EINVAL,
                 (uint64_t)((uint8_t *)segment_build_at(
                                &build, SEGMENT_EXTENT_CALLSITES, 0, 9) -
                            build.bytes),
                 "callsite 9: ");
    segment_build_end(&build);
}

/* ---- anything ----------------------------------------------------------- */

/* Reads whatever it is; an error must say something and be in the file. */
static bool survive(int fd)
{
    int err;
    struct segment_snapshot *snapshot = read_file(fd, &err);
    const char *fault = snapshot ? snapshot_fault(snapshot, true) : NULL;

    EXPECT(!fault, "%s", fault);
    if (err)
        EXPECT((err == -EINVAL || err == -EPROTONOSUPPORT) &&
                   error.offset <= SEGMENT_EXTENTS_OFFSET +
                                       SEGMENT_EXTENTS_MAX *
                                           (uint64_t)SEGMENT_EXTENT_SIZE &&
                   error.reason[0],
               "%d at %" PRIu64 ": %s", err, error.offset, error.reason);
    segment_snapshot_free(snapshot);
    return err == 0;
}

static void put(int fd, const void *bytes, size_t size, size_t at)
{
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
}

/* Every word that is read, replaced by every kind of odd one. */
static void test_every_word(void **state)
{
    (void)state;
    static const uint32_t odd[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    struct segment_build build;
    size_t size, sound = 0, damaged = 0;
    int fd;

    segment_build_small(&build);
    size = segment_build_size(&build);
    fd = segment_build_file(&build, size);
    for (size_t at = 0; at + 4 <= size; at += 4) {
        bool in_header = at < IN_HEADER(sinks);
        bool in_table = at >= SEGMENT_EXTENT_TABLE_OFFSET &&
                        at < SEGMENT_EXTENT_TABLE_OFFSET + 64;

        if (!in_header && !in_table &&
            (at < SEGMENT_EXTENTS_OFFSET || at % SEGMENT_EXTENT_SIZE >= 512))
            continue;
        for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
            put(fd, &odd[i], 4, at);
            if (survive(fd))
                sound++;
            else
                damaged++;
        }
        put(fd, build.bytes + at, 4, at);
    }
    EXPECT(sound > 1000 && damaged > 200, "%zu sound, %zu damaged", sound,
           damaged);
    close(fd);
    segment_build_end(&build);
}

static void test_truncated(void **state)
{
    (void)state;
    struct segment_build build;
    size_t full;
    int err;

    segment_build_small(&build);
    full = segment_build_size(&build);
    for (size_t size = 0; size < full; size += 4096) {
        segment_snapshot_free(read_bytes(&build, size, &err));
        EXPECT(err == -EINVAL, "at %zu: %d", size, err);
        EXPECT(strstr(error.reason, size ? "truncated" : "not a preprof"),
               "at %zu: %s", size, error.reason);
    }
    for (size_t size = 8; size <= sizeof(struct segment_header); size++) {
        segment_snapshot_free(read_bytes(&build, size, &err));
        EXPECT(err == -EINVAL && strstr(error.reason, "truncated"),
               "at %zu: %s", size, error.reason);
    }
    segment_build_end(&build);
}

/* A file that is something else is told so, however short it is. */
static void test_foreign(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "preprof 1.0\n",
        "#!/bin/sh\nexit 1\n",
        "\x1f\x8b\x08 a profile",
        "heap profile: 1: 32 [2: 64] @ heap/524288\n"};
    struct segment_build build;
    int err;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        segment_build_begin(&build);
        memcpy(build.bytes, texts[i], strlen(texts[i]));
        segment_snapshot_free(read_bytes(&build, strlen(texts[i]), &err));
        assert_int_equal(err, -EINVAL);
        assert_int_equal(error.offset, 0);
        assert_string_equal(error.reason, "not a preprof segment");
        segment_build_end(&build);
    }
}

static void test_random(void **state)
{
    (void)state;
    struct segment_build build;
    size_t sound = 0;
    int fd;

    srand(3);
    segment_build_small(&build);
    fd = segment_build_file(&build, segment_build_size(&build));
    for (int round = 0; round < 500; round++) {
        size_t at[8], count = 1 + (size_t)rand() % 8;

        for (size_t i = 0; i < count; i++) {
            size_t in_extent = (size_t)rand() % 256;
            size_t extent = (size_t)rand() % 7;
            uint8_t byte;

            at[i] = extent ? extent * SEGMENT_EXTENT_SIZE + in_extent
                           : (size_t)rand() % 4200;
            byte = build.bytes[at[i]] ^ (uint8_t)(1 << rand() % 8);
            put(fd, &byte, 1, at[i]);
        }
        sound += survive(fd);
        for (size_t i = 0; i < count; i++)
            put(fd, build.bytes + at[i], 1, at[i]);
    }
    EXPECT(sound > 50 && sound < 450, "%zu of 500 were sound", sound);
    for (int round = 0; round < 20; round++) {
        for (size_t i = sizeof(build.header->magic); i < 70000; i++)
            build.bytes[i] = (uint8_t)rand();
        put(fd, build.bytes, 70000, 0);
        assert_false(survive(fd));
    }
    close(fd);
    segment_build_end(&build);
}

/* ---- files -------------------------------------------------------------- */

static void test_files(void **state)
{
    (void)state;
    char directory[] = "/tmp/preprof-read-XXXXXX", path[64], link[64];
    struct segment_snapshot *snapshot;
    struct segment_build build;
    char name[64];
    int fd, err;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/none", directory);
    err = segment_read(path, SEGMENT_READ_STACKS, &snapshot, &error);
    assert_int_equal(err, -ENOENT);
    assert_string_equal(error.path, path);
    assert_int_equal(error.offset, SEGMENT_ERROR_NOWHERE);
    err = segment_read(directory, SEGMENT_READ_STACKS, &snapshot, &error);
    assert_int_equal(err, -EINVAL);
    assert_string_equal(error.reason, "not a regular file");
    assert_int_equal(mkfifo(path, 0600), 0); /* has no writer: must not wait */
    err = segment_read(path, SEGMENT_READ_STACKS, &snapshot, &error);
    assert_int_equal(err, -EINVAL);
    snprintf(link, sizeof(link), "%s/link", directory);
    assert_int_equal(symlink(path, link), 0);
    err = segment_read(link, SEGMENT_READ_STACKS, &snapshot, &error);
    assert_int_equal(err, -ELOOP);
    assert_string_equal(error.reason, "is a symbolic link");
    unlink(link);
    unlink(path);

    /* Live only under the name that the shim gave it, of a process that is. */
    segment_build_small(&build);
    build.header->pid = (uint32_t)getpid();
    build.header->start_time = process_start_time(build.header->pid);
    fd = segment_build_file(&build, segment_build_size(&build));
    snprintf(name, sizeof(name), "/d/%u-%llu", build.header->pid,
             (unsigned long long)build.header->start_time);
    const struct {
        const char *name;
        enum segment_life life;
    } lives[] = {{name, SEGMENT_LIFE_LIVE},
                 {"/d/dump.preprof", SEGMENT_LIFE_KILLED},
                 {"/d/4711-1", SEGMENT_LIFE_KILLED}};
    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        assert_int_equal(segment_read_fd(fd, lives[i].name, SEGMENT_READ_TOTALS,
                                         &snapshot, &error),
                         0);
        assert_int_equal(snapshot->life, lives[i].life);
        segment_snapshot_free(snapshot);
    }
    close(fd);
    segment_build_end(&build);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_unpublished),
        cmocka_unit_test(test_unnamed_extent),
        cmocka_unit_test(test_odd_counters),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_extent_table),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
