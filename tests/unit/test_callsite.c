/* SPDX-License-Identifier: MIT */
/*
 * Interning stacks against a model: lists of paths from the root, compared
 * frame by frame. It predicts every id's stack, also when the tables fill up:
 * then a stack is charged to the deepest part of it, from the root, that is in
 * the tree. What an id means is read back from the segment by its table alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callsite.h"
#include "module.h"
#include "own_life.h"
#include "shard.h"

#define IDS_MAX 512u
#define DEPTH   7
#define STACKS  3000

/* A path from the root: frames[0] is outermost. */
struct path {
    uintptr_t frames[DEPTH];
    int depth;
    int truncated;
    uint32_t id; /* of the callsite */
};

static struct path nodes[IDS_MAX], callsites[IDS_MAX];
static uint32_t nodes_count, callsites_count;

static struct path part_of(const struct path *path, int depth)
{
    struct path part = *path;

    part.depth = depth;
    return part;
}

static struct path *find(struct path *list, uint32_t count,
                         const struct path *path)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i].depth == path->depth &&
            list[i].truncated == path->truncated &&
            memcmp(list[i].frames, path->frames,
                   (size_t)path->depth * sizeof(path->frames[0])) == 0)
            return &list[i];
    return NULL;
}

static struct path *add_callsite(const struct path *path, uint32_t limit)
{
    if (SEGMENT_SINK_COUNT + callsites_count >= limit)
        return NULL;
    callsites[callsites_count] = *path;
    callsites[callsites_count].id = 0;
    return &callsites[callsites_count++];
}

/* The callsite that a path is charged to when it cannot be entered, or NULL:
 * the sink. */
static struct path *model_charge(const struct path *path)
{
    struct path *charged = NULL, *made;
    int depth = 0;

    for (; depth < path->depth; depth++) {
        struct path part = part_of(path, depth + 1);
        struct path *known = find(callsites, callsites_count, &part);

        if (!find(nodes, nodes_count, &part))
            break;
        if (known)
            charged = known;
    }
    if (depth > 0 && !(charged && charged->depth == depth)) {
        struct path part = part_of(path, depth);

        made = add_callsite(&part, IDS_MAX);
        if (made)
            charged = made;
    }
    return charged;
}

static struct path *model_intern(const struct path *path)
{
    struct path *known = find(callsites, callsites_count, path);

    if (known)
        return known;
    for (int depth = 1; depth <= path->depth; depth++) {
        struct path part = part_of(path, depth);

        if (find(nodes, nodes_count, &part))
            continue;
        if (1 + nodes_count >= IDS_MAX)
            return model_charge(path);
        nodes[nodes_count++] = part;
    }
    known = add_callsite(path, IDS_MAX - IDS_MAX / 16);
    return known ? known : model_charge(path);
}

static uint32_t intern(const struct path *path)
{
    uintptr_t pcs[DEPTH];

    for (int i = 0; i < path->depth; i++)
        pcs[i] = path->frames[path->depth - 1 - i];
    return callsite_intern(pcs, (size_t)path->depth, path->truncated);
}

/* What an id means in the segment is the model's path. */
static void check_meaning(uint32_t id, const struct path *path)
{
    uintptr_t pcs[DEPTH];
    uint32_t node = own_life_callsite(id)->node;
    uint16_t flags = 0;

    assert_int_equal(own_life_stack(id, pcs, DEPTH), path->depth);
    for (int i = 0; i < path->depth; i++)
        assert_int_equal(pcs[i], path->frames[path->depth - 1 - i]);
    for (; node; node = own_life_node(node)->parent) {
        flags = own_life_node(node)->flags;
        if (own_life_node(node)->parent)
            assert_int_equal(flags, 0);
    }
    assert_int_equal(flags, path->truncated ? SEGMENT_NODE_TRUNCATED : 0);
}

static struct path random_path(uintptr_t functions)
{
    struct path path = {.depth = 1 + (int)(random() % DEPTH),
                        .truncated = random() % 8 == 0};

    for (int i = 0; i < path.depth; i++)
        path.frames[i] = 0x1000 + (uintptr_t)random() % functions;
    return path;
}

static void test_model(void **state)
{
    uint32_t full = 0, sinks = 0, seen_full;

    (void)state;
    srandom(1);
    for (int i = 0; i < STACKS; i++) {
        /* First few functions, then strangers as well. */
        struct path path = random_path(i < STACKS / 2 ? 3 : 4);
        struct path *expected = model_intern(&path);
        uint32_t id = intern(&path);

        if (!expected) {
            assert_int_equal(id, SEGMENT_SINK_FULL);
            sinks++;
        } else if (!expected->id) {
            for (uint32_t j = 0; j < callsites_count; j++)
                assert_int_not_equal(callsites[j].id, id);
            expected->id = id;
            check_meaning(id, expected);
        } else {
            assert_int_equal(id, expected->id);
        }
        full += !expected || expected->depth != path.depth;
    }
    seen_full = (uint32_t)life->header->losses[SEGMENT_LOSS_TABLE_FULL];
    print_message("# seed 1: %u nodes, %u callsites, %u cut, %u in the sink\n",
                  nodes_count, callsites_count, full, sinks);
    assert_true(full > 100 && sinks > 0);
    /* A cut stack that equals a callsite made for another is no loss. */
    assert_true(seen_full >= full);
    assert_int_equal(life->header->nodes_used, IDS_MAX);
    for (uint32_t i = 0; i < callsites_count; i++)
        check_meaning(callsites[i].id, &callsites[i]);
}

/* Every id has a row in shard 0, so that a count always finds a place. */
static void test_rows(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < callsites_count; i++)
        assert_non_null(own_life_element(
            SEGMENT_EXTENT_COUNTERS, 0, callsites[i].id,
            SEGMENT_ROWS_PER_EXTENT, sizeof(struct segment_row)));
}

static int begin(void **state)
{
    (void)state;
    own_life_begin(64);
    return shard_begin() || module_reset() || callsite_begin(IDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_rows),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
