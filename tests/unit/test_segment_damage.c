/* SPDX-License-Identifier: MIT */
/*
 * test_segment_damage.c - damaged segments, read.
 *
 * Goal: an error that names the file, the place and the reason, or, where the
 * format allows what is there, a snapshot that keeps every promise of
 * segment_read.h. Method: a small sound segment (segment_build.h), damaged
 * field by field, word by word, cut at every page, and at random.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot_expect.h"

static void expect_error(const struct segment_build *build, int err,
                         uint64_t offset, const char *reason)
{
    char line[SEGMENT_ERROR_LINE_SIZE], start[64];
    int got;

    segment_snapshot_free(
        snapshot_of_bytes(build, segment_build_size(build), &got));
    EXPECT(got == err, "%s: %d, not %d", reason, got, err);
    EXPECT(snapshot_error.offset == offset, "%s: at %" PRIu64 ", not %" PRIu64,
           reason, snapshot_error.offset, offset);
    EXPECT(strstr(snapshot_error.reason, reason), "\"%s\", not \"%s\"",
           snapshot_error.reason, reason);
    segment_error_line(&snapshot_error, line, sizeof(line));
    snprintf(start, sizeof(start), "built:%" PRIu64 ": ", offset);
    EXPECT(strncmp(line, start, strlen(start)) == 0, "%s", line);
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
    struct segment_snapshot *snapshot = snapshot_of_sound(&build);
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
        {SEGMENT_EXTENT_WORD(64, 0, 0), "extent 2: unknown type 64"},
        {SEGMENT_EXTENT_WORD(0xff, 0, 0), "extent 2: unknown type 255"},
        {SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_COUNTERS, SEGMENT_SHARDS_MAX, 0),
         "counters of owner 256, not below 256"},
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

static void test_labels(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_label *labels;
    struct segment_node *root;
    uint32_t set, node, shallow;
    uint64_t where;

    segment_build_small(&build);
    set = segment_build_label(&build, 0, "handler", "/search");
    set = segment_build_label(&build, set, "user", "u1");
    node = segment_build_root(&build, set);
    root = segment_build_at(&build, SEGMENT_EXTENT_NODES, 0, node);
    labels = segment_build_at(&build, SEGMENT_EXTENT_LABELS, 0, 0);
    shallow = segment_build_callsite(
        &build, segment_build_node(&build, node, 0x401111, 1), 1);
    segment_build_row(&build, 0, shallow)->alloc_objects = 3;
    segment_snapshot_free(snapshot_of_sound(&build));

#define DAMAGE_LABEL(field, value, reason)                                     \
    do {                                                                       \
        struct segment_label sound = labels[2];                                \
        labels[2].field = value;                                               \
        expect_error(&build, -EINVAL,                                          \
                     (uint64_t)((uint8_t *)&labels[2].field - build.bytes),    \
                     "label 2: " reason);                                      \
        labels[2] = sound;                                                     \
    } while (0)
    DAMAGE_LABEL(key_length, 0, "its text is empty, or too long");
    DAMAGE_LABEL(key_length, SEGMENT_LABEL_TEXT_MAX - 1,
                 "its text is empty, or too long");
    DAMAGE_LABEL(text[0], '\0', "its text has a NUL in it");
    DAMAGE_LABEL(parent, 2, "its parent is not there");
    DAMAGE_LABEL(parent, UINT32_MAX, "its parent is not there");
#undef DAMAGE_LABEL

    labels[2].text[0] = 'a';
    expect_error(&build, -EINVAL,
                 (uint64_t)((uint8_t *)&labels[2].parent - build.bytes),
                 "label 2: its parent's key is not a lesser one");
    labels[2].text[0] = 'u';

    where = (uint64_t)((uint8_t *)root - build.bytes);
    root->pc = 3;
    expect_error(&build, -EINVAL, where, "there are no such labels");
    root->pc = set;
    root->parent = 1;
    expect_error(&build, -EINVAL, where, "labels that are not outermost");
    root->parent = 0;
    segment_build_callsite(&build, node, 0);
    expect_error(
        &build, -EINVAL,
        (uint64_t)((uint8_t *)segment_build_at(&build, SEGMENT_EXTENT_CALLSITES,
                                               0, shallow + 1) -
                   build.bytes),
        "labels without a stack");
    build.header->callsites_used--;

    /* Killed before its extent was entered: counts stay. */
    labels[2].value_length = 0;
    {
        struct segment_snapshot *snapshot = snapshot_of_sound(&build);

        EXPECT(snapshot->values[SEGMENT_SINK_NO_STACK].alloc_objects == 3,
               "%" PRIu64 " without a stack",
               snapshot->values[SEGMENT_SINK_NO_STACK].alloc_objects);
        segment_snapshot_free(snapshot);
    }
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
    segment_snapshot_free(snapshot_of_sound(&build));
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
    struct segment_snapshot *snapshot = snapshot_of_file(fd, &err);
    const char *fault = snapshot ? snapshot_fault(snapshot, true) : NULL;

    EXPECT(!fault, "%s", fault);
    if (err)
        EXPECT((err == -EINVAL || err == -EPROTONOSUPPORT) &&
                   snapshot_error.offset <=
                       SEGMENT_EXTENTS_OFFSET +
                           SEGMENT_EXTENTS_MAX *
                               (uint64_t)SEGMENT_EXTENT_SIZE &&
                   snapshot_error.reason[0],
               "%d at %" PRIu64 ": %s", err, snapshot_error.offset,
               snapshot_error.reason);
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
        segment_snapshot_free(snapshot_of_bytes(&build, size, &err));
        EXPECT(err == -EINVAL, "at %zu: %d", size, err);
        EXPECT(
            strstr(snapshot_error.reason, size ? "truncated" : "not a preprof"),
            "at %zu: %s", size, snapshot_error.reason);
    }
    for (size_t size = 8; size <= sizeof(struct segment_header); size++) {
        segment_snapshot_free(snapshot_of_bytes(&build, size, &err));
        EXPECT(err == -EINVAL && strstr(snapshot_error.reason, "truncated"),
               "at %zu: %s", size, snapshot_error.reason);
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
        segment_snapshot_free(
            snapshot_of_bytes(&build, strlen(texts[i]), &err));
        assert_int_equal(err, -EINVAL);
        assert_int_equal(snapshot_error.offset, 0);
        assert_string_equal(snapshot_error.reason, "not a preprof segment");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_extent_table),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
