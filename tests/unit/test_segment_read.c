/* SPDX-License-Identifier: MIT */
/*
 * test_segment_read.c - sound segments, read.
 *
 * Goal: a segment is read as a slow, obvious model of it says: one of every
 * record, one that is not complete, one that grows meanwhile. Method: segments
 * made field by field (segment_build.h). Damaged ones: test_segment_damage.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process_read.h"
#include "snapshot_expect.h"

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
    snapshot = snapshot_of_sound(&build);
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
    all = snapshot_of_sound(&build);
    fd = segment_build_file(&build, segment_build_size(&build));
    assert_int_equal(
        segment_read_fd(fd, "x", SEGMENT_READ_TOTALS, &totals, &snapshot_error),
        0);
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
    snapshot = snapshot_of_sound(&build);
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
    snapshot = snapshot_of_sound(&build);
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
    snapshot = snapshot_of_sound(&build);
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
    snapshot = snapshot_of_sound(&build);
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
    snapshot = snapshot_of_sound(&build);
    assert_int_equal(snapshot->total.alloc_objects, 28);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

#define OBJECTS_MAX ((UINT64_C(1) << SEGMENT_OBJECTS_BITS) - 1)

/* What the writer was caught between two instructions with, and counters that
 * no process can have counted. */
static void test_odd_counters(void **state)
{
    (void)state;
    static const struct {
        struct segment_row row;
        uint64_t values[4];
    } cases[] = {
        {{5, 50, 6, 60}, {5, 50, 0, 0}},
        {{5, 50, 5, 40}, {5, 50, 0, 0}},
        {{5, 50, 4, 60}, {5, 50, 1, 0}},
        {{0, 50, 0, 0}, {0, 0, 0, 0}},
        {{0, 0, 3, 30}, {0, 0, 0, 0}},
        {{UINT64_MAX, UINT64_MAX, 0, 0},
         {OBJECTS_MAX, INT64_MAX, OBJECTS_MAX, INT64_MAX}},
        {{INT64_MAX, INT64_MAX, INT64_MAX, 1}, {OBJECTS_MAX, INT64_MAX, 0, 0}},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
         {OBJECTS_MAX, INT64_MAX, 0, 0}},
    };
    struct segment_build build;

    segment_build_small(&build);
    memset(segment_build_row(&build, 1, 8), 0, sizeof(struct segment_row));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint64_t *values = cases[i].values;
        /* There is no peak but now. */
        const struct segment_values expected = {
            values[0], values[1], values[2], values[3], values[2], values[3]};
        struct segment_snapshot *snapshot;

        *segment_build_row(&build, 0, 8) = cases[i].row;
        snapshot = snapshot_of_sound(&build);
        EXPECT(memcmp(&snapshot->values[8], &expected, sizeof(expected)) == 0,
               "case %zu", i);
        segment_snapshot_free(snapshot);
    }
    /* Sums over shards stop at the top, too. */
    *segment_build_row(&build, 1, 8) = (struct segment_row){9, 9, 9, 9};
    struct segment_snapshot *snapshot = snapshot_of_sound(&build);
    assert_int_equal(snapshot->values[8].alloc_space, INT64_MAX);
    assert_int_equal(snapshot->total.alloc_space, INT64_MAX);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* ---- the peak ---------------------------------------------------------- */

static void expect_peak(struct segment_build *build, uint32_t callsite,
                        uint64_t objects, uint64_t space)
{
    struct segment_snapshot *snapshot = snapshot_of_sound(build);
    const struct segment_values *values = &snapshot->values[callsite];

    EXPECT(values->peak_objects == objects && values->peak_space == space,
           "callsite %u: %" PRIu64 " %" PRIu64 " at the peak", callsite,
           values->peak_objects, values->peak_space);
    segment_snapshot_free(snapshot);
}

/* 8 has rows in two shards, 9 and 10 in one each; a sink has one, too. */
static void test_peak(void **state)
{
    (void)state;
    struct segment_build build;

    segment_build_small(&build);
    expect_peak(&build, 8, 7, 700); /* as now: there never was an epoch */
    expect_peak(&build, 9, 0, 0);

    /* Saved in both shards, in one more than it has: blocks of the other's. */
    build.header->peak_epoch = 5;
    *segment_build_peak(&build, 0, 8, 5) =
        (struct segment_peak){-UINT64_C(1), -UINT64_C(100)};
    *segment_build_peak(&build, 1, 8, 5) = (struct segment_peak){10, 1000};
    *segment_build_peak(&build, 0, 9, 5) = (struct segment_peak){5, 55};
    build.header->sinks[SEGMENT_SINK_FULL] = (struct segment_row){3, 30, 1, 10};
    *segment_build_peak(&build, 1, 10, 5) = (struct segment_peak){11, 1111};
    expect_peak(&build, 8, 9, 900);
    expect_peak(&build, 9, 5, 55);
    expect_peak(&build, 10, 11, 1111);
    expect_peak(&build, SEGMENT_SINK_FULL, 2, 20);
    /* Not touched since: as now. */
    expect_peak(&build, SEGMENT_SINK_NESTED, 1, 16);

    /* Saved for an earlier peak, and not touched since this one. */
    build.header->peak_epoch = 6;
    *segment_build_peak(&build, 1, 10, 6) = (struct segment_peak){11, 1111};
    *segment_build_peak(&build, 0, 9, 6) = (struct segment_peak){5, 55};
    expect_peak(&build, 9, 5, 55);
    expect_peak(&build, 8, 7, 700);
    segment_build_row(&build, 0, 9)->alloc_space = 40;
    expect_peak(&build, 9, 5, 40); /* never more than it allocated */

    /* Less than now is not the peak. */
    segment_build_row(&build, 1, 10)->alloc_space = 100000;
    expect_peak(&build, 9, 0, 0);
    expect_peak(&build, 10, 11, 100000);
    segment_build_end(&build);
}

/* What no process saves: below 0, without objects, with no room for it. */
static void test_odd_peaks(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_peak *peak;

    segment_build_small(&build);
    build.header->peak_epoch = 1;
    for (uint32_t i = 8; i < 11; i++) /* so that now is less */
        for (uint32_t shard = 0; shard < 2; shard++)
            *segment_build_row(&build, shard, i) =
                (struct segment_row){100, 1000, 100, 1000};
    peak = segment_build_peak(&build, 1, 10, 1);
    *peak = (struct segment_peak){90, 900};
    peak = segment_build_peak(&build, 0, 8, 1);
    *peak = (struct segment_peak){-UINT64_C(1), 50};
    expect_peak(&build, 8, 0, 0);
    *peak = (struct segment_peak){1, -UINT64_C(50)};
    expect_peak(&build, 8, 1, 0);
    *peak = (struct segment_peak){0, 50};
    expect_peak(&build, 8, 0, 0);
    *peak = (struct segment_peak){UINT64_MAX / 2, UINT64_MAX / 2};
    expect_peak(&build, 8, 200, 2000);
    expect_peak(&build, 10, 90, 900);
    /* An epoch of the future is one that came while the file was read. */
    *segment_build_peak(&build, 0, 8, 8191) = (struct segment_peak){7, 70};
    expect_peak(&build, 8, 7, 70);
    /* Rows in a shard that found no room for its peaks. */
    for (uint32_t i = 0; i < build.header->extents_used; i++)
        if (SEGMENT_EXTENT_TYPE(build.extents[i]) == SEGMENT_EXTENT_PEAKS)
            build.extents[i] = 0;
    expect_peak(&build, 8, 0, 0);
    expect_peak(&build, 10, 0, 0);
    segment_build_end(&build);
}

/* ---- a live one --------------------------------------------------------- */

enum { LIVE_CALLSITES = 8000 };

static int live_done; /* atomic */

/* Writes as the shim does: the counts, the record, its publishing word. Ids are
 * taken before they are published: by other threads, many. */
static void *write_live(void *argument)
{
    struct segment_build *build = argument;
    struct segment_header *header = build->header;

    for (uint32_t i = 0; i < LIVE_CALLSITES; i++) {
        uint32_t id = SEGMENT_SINK_COUNT + i, node_id = 1 + i;
        struct segment_node *node =
            segment_build_at(build, SEGMENT_EXTENT_NODES, 0, node_id);
        uint64_t *callsite =
            segment_build_at(build, SEGMENT_EXTENT_CALLSITES, 0, id);
        struct segment_row *row = segment_build_row(build, i % 2, id);

        __atomic_store_n(&header->nodes_used, node_id + 1, __ATOMIC_RELEASE);
        node->parent = i % 50 ? node_id - 1 : 0;
        __atomic_store_n(&node->pc, 4096 + i, __ATOMIC_RELEASE);
        __atomic_store_n(&header->callsites_used, id + 64, __ATOMIC_RELEASE);
        __atomic_store_n(callsite, node_id | (uint64_t)(i % 50 + 1) << 32,
                         __ATOMIC_RELEASE);
        for (uint32_t j = 0; j < i * 7919 % 3000; j++) {
            __atomic_fetch_add(&row->alloc_objects, 1, __ATOMIC_RELEASE);
            __atomic_fetch_add(&row->alloc_space, 16, __ATOMIC_RELEASE);
            __atomic_fetch_add(&row->free_objects, 1, __ATOMIC_RELEASE);
            __atomic_fetch_add(&row->free_space, 16, __ATOMIC_RELEASE);
        }
    }
    __atomic_store_n(&live_done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void test_live(void **state)
{
    (void)state;
    int fd = memfd_create("live", MFD_CLOEXEC);
    struct segment_build build;
    struct segment_snapshot *snapshot;
    pthread_t writer;
    unsigned reads = 0;
    uint8_t *bytes;
    bool done;

    assert_int_equal(ftruncate(fd, SEGMENT_BUILD_SIZE), 0);
    bytes = mmap(NULL, SEGMENT_BUILD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                 fd, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    segment_build_begin_at(&build, bytes);
    assert_int_equal(pthread_create(&writer, NULL, write_live, &build), 0);
    do {
        const char *fault;
        int err;

        done = __atomic_load_n(&live_done, __ATOMIC_ACQUIRE);
        snapshot = snapshot_of_file(fd, &err);
        EXPECT(!err, "%" PRIu64 ": %s", snapshot_error.offset,
               snapshot_error.reason);
        fault = snapshot_fault(snapshot, true);
        EXPECT(!fault, "%s", fault);
        reads++;
        if (!done)
            segment_snapshot_free(snapshot);
    } while (!done);
    pthread_join(writer, NULL);
    EXPECT(reads > 5, "only %u reads beside the writer", reads);
    assert_int_equal(snapshot->callsite_count,
                     SEGMENT_SINK_COUNT + LIVE_CALLSITES + 63);
    assert_int_equal(snapshot->total.inuse_objects, 0);
    for (uint32_t i = 0; i < LIVE_CALLSITES; i++)
        assert_int_equal(snapshot->values[SEGMENT_SINK_COUNT + i].alloc_objects,
                         i * 7919 % 3000);
    segment_snapshot_free(snapshot);
    munmap(bytes, SEGMENT_BUILD_SIZE);
    close(fd);
}

/* ---- files -------------------------------------------------------------- */

static enum segment_life read_life(int fd, const char *path)
{
    struct segment_snapshot *snapshot;
    enum segment_life life;

    assert_int_equal(segment_read_fd(fd, path, SEGMENT_READ_TOTALS, &snapshot,
                                     &snapshot_error),
                     0);
    life = snapshot->life;
    segment_snapshot_free(snapshot);
    return life;
}

static void test_files(void **state)
{
    (void)state;
    char directory[] = "/tmp/preprof-read-XXXXXX", path[96], link[96];
    struct segment_snapshot *snapshot;
    struct segment_build build;
    void *mapping;
    int fd, err;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/none", directory);
    err = segment_read(path, SEGMENT_READ_STACKS, &snapshot, &snapshot_error);
    assert_int_equal(err, -ENOENT);
    assert_string_equal(snapshot_error.path, path);
    assert_int_equal(snapshot_error.offset, SEGMENT_ERROR_NOWHERE);
    err = segment_read(directory, SEGMENT_READ_STACKS, &snapshot,
                       &snapshot_error);
    assert_int_equal(err, -EINVAL);
    assert_string_equal(snapshot_error.reason, "not a regular file");
    assert_int_equal(mkfifo(path, 0600), 0); /* has no writer: must not wait */
    err = segment_read(path, SEGMENT_READ_STACKS, &snapshot, &snapshot_error);
    assert_int_equal(err, -EINVAL);
    snprintf(link, sizeof(link), "%s/link", directory);
    assert_int_equal(symlink(path, link), 0);
    err = segment_read(link, SEGMENT_READ_STACKS, &snapshot, &snapshot_error);
    assert_int_equal(err, -ELOOP);
    assert_string_equal(snapshot_error.reason, "is a symbolic link");
    unlink(link);
    unlink(path);

    /* Live only under the name that the shim gave it, of a process that is and
     * has it mapped, as its program had before an exec. */
    segment_build_small(&build);
    build.header->pid = (uint32_t)getpid();
    build.header->start_time = process_start_time(build.header->pid);
    snprintf(path, sizeof(path), "%s/%u-%llu", directory, build.header->pid,
             (unsigned long long)build.header->start_time);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, build.bytes, segment_build_size(&build)),
                     segment_build_size(&build));
    assert_int_equal(read_life(fd, path), SEGMENT_LIFE_EXECED);
    mapping = mmap(NULL, SEGMENT_HEADER_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapping, MAP_FAILED);
    assert_int_equal(read_life(fd, path), SEGMENT_LIFE_LIVE);
    assert_int_equal(read_life(fd, "/d/dump.preprof"), SEGMENT_LIFE_KILLED);
    assert_int_equal(read_life(fd, "/d/4711-1"), SEGMENT_LIFE_KILLED);
    unlink(path); /* pruned by somebody who is wrong */
    assert_int_equal(read_life(fd, path), SEGMENT_LIFE_LIVE);
    munmap(mapping, SEGMENT_HEADER_SIZE);
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
        cmocka_unit_test(test_peak),
        cmocka_unit_test(test_odd_peaks),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
