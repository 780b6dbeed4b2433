/* SPDX-License-Identifier: MIT */
/*
 * test_events.c - threads created and waits, from a segment's rows to a
 * profile and its text.
 *
 * Goal: each kind says what its rows say, whatever the rows say. Method:
 * segments made by hand (segment_build.h) against a model that holds the same
 * numbers in plain arrays; texts against texts that Go would write.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot_expect.h"

#include "profile.h"
#include "profile_text.h"
#include "symbolize.h"

#define CALLSITES 10007u /* rows in three extents of a kind */

static const char *const kind_names[SEGMENT_EVENT_COUNT] = {
    [SEGMENT_EVENT_THREAD] = "threadcreate",
    [SEGMENT_EVENT_BLOCK] = "block",
    [SEGMENT_EVENT_MUTEX] = "mutex",
    [SEGMENT_EVENT_CPU] = "profile",
};

static struct profile *profile_of(const struct segment_snapshot *snapshot,
                                  const char *kind)
{
    struct symbolizer *symbolizer = symbolizer_new();
    struct profile *profile =
        profile_from_segment(snapshot, symbolizer, profile_kind_find(kind));

    assert_non_null(profile);
    symbolizer_free(symbolizer);
    return profile;
}

static char *text_of(const struct profile *profile)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(profile_text_write(profile, NULL, out), 0);
    fclose(out);
    return text;
}

static void expect_text(const struct segment_build *build, const char *kind,
                        const char *wanted)
{
    struct segment_snapshot *snapshot = snapshot_of_sound(build);
    struct profile *profile = profile_of(snapshot, kind);
    char *text = text_of(profile);

    assert_string_equal(text, wanted);
    free(text);
    profile_free(profile);
    segment_snapshot_free(snapshot);
}

/* ---- against a model --------------------------------------------------- */

static struct segment_event_row model[SEGMENT_EVENT_COUNT][CALLSITES];

static void build_model(struct segment_build *build)
{
    memset(model, 0, sizeof(model));
    srand(7);
    segment_build_begin(build);
    while (build->header->callsites_used < CALLSITES)
        segment_build_callsite(
            build,
            segment_build_node(build, 0, 4096 + build->header->nodes_used, 0),
            1);
    for (int event = 1; event < SEGMENT_EVENT_COUNT; event++)
        for (uint32_t id = 1; id < CALLSITES; id += 1 + (uint32_t)rand() % 9) {
            uint64_t delay =
                event == SEGMENT_EVENT_THREAD ? 0 : (uint64_t)rand();

            model[event][id] =
                (struct segment_event_row){1 + (uint64_t)rand() % 99, delay};
            *segment_build_event(build, (enum segment_event)event, id) =
                model[event][id];
        }
}

static void check_profile(const struct segment_snapshot *snapshot, int event)
{
    struct profile *profile = profile_of(snapshot, kind_names[event]);
    uint64_t count = 0, delay = 0;
    size_t next = 0;

    for (uint32_t id = 1; id < CALLSITES; id++) {
        const struct segment_event_row *row = &model[event][id];
        const struct profile_sample *sample = &profile->samples[next];

        if (!row->count)
            continue;
        EXPECT(next < profile->sample_count, "a sample is missing");
        next++;
        EXPECT(sample->values[0] == (int64_t)row->count &&
                   sample->values[1] == (int64_t)row->delay_ns,
               "%s, callsite %u", kind_names[event], id);
        /* Its nodes were made in the order of the callsites. */
        EXPECT(id < SEGMENT_SINK_COUNT ||
                   profile->locations[sample->locations[0]].address ==
                       4096 + 1 + (id - SEGMENT_SINK_COUNT) - 1,
               "the address of callsite %u", id);
        count += row->count;
        delay += row->delay_ns;
    }
    assert_int_equal(next, profile->sample_count);
    assert_int_equal(profile->total[PROFILE_CONTENTIONS], count);
    assert_int_equal(profile->total[PROFILE_DELAY], delay);
    profile_free(profile);
}

static void test_model(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;

    build_model(&build);
    snapshot = snapshot_of_sound(&build);
    for (int event = 1; event < SEGMENT_EVENT_COUNT; event++)
        check_profile(snapshot, event);
    assert_int_equal(snapshot->recorded, 0); /* they are no allocations */
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* ---- texts ------------------------------------------------------------- */

static void test_texts(void **state)
{
    (void)state;
    struct segment_build build;
    uint32_t outer, inner;

    segment_build_begin(&build);
    outer = segment_build_node(&build, 0, 0x1001, 0);
    inner = segment_build_node(&build, outer, 0x2002, 0);
    segment_build_callsite(&build, inner, 2);
    segment_build_callsite(&build, outer, 1);
    *segment_build_event(&build, SEGMENT_EVENT_THREAD, 8) =
        (struct segment_event_row){3, 0};
    *segment_build_event(&build, SEGMENT_EVENT_THREAD, 9) =
        (struct segment_event_row){4, 0};
    expect_text(&build, "threadcreate",
                "threadcreate profile: total 7\n"
                "4 @ 0x1001\n"
                "#\t0x1000\t[0x1000]\n\n"
                "3 @ 0x2002 0x1001\n"
                "#\t0x2001\t[0x2001]\n"
                "#\t0x1000\t[0x1000]\n\n");
    expect_text(&build, "mutex",
                "--- mutex:\ncycles/second=1000000000\nsampling period=1\n");

    *segment_build_event(&build, SEGMENT_EVENT_MUTEX, 9) =
        (struct segment_event_row){307, 1814318596};
    *segment_build_event(&build, SEGMENT_EVENT_MUTEX, SEGMENT_SINK_NO_STACK) =
        (struct segment_event_row){1, 2};
    expect_text(&build, "mutex",
                "--- mutex:\ncycles/second=1000000000\nsampling period=1\n"
                "1814318596 307 @ 0x1001\n"
                "#\t0x1000\t[0x1000]\n\n"
                "2 1 @ 0x1000000000000004\n"
                "#\t0x1000000000000003\t[no stack]\n\n");

    *segment_build_event(&build, SEGMENT_EVENT_BLOCK, 8) =
        (struct segment_event_row){INT64_MAX, UINT64_MAX};
    expect_text(&build, "block",
                "--- contention:\ncycles/second=1000000000\n"
                "9223372036854775807 9223372036854775807 @ 0x2002 0x1001\n"
                "#\t0x2001\t[0x2001]\n"
                "#\t0x1000\t[0x1000]\n\n");
    segment_build_end(&build);
}

/* ---- rows that make no sense ------------------------------------------- */

static void test_absurd(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;
    struct profile *profile;
    const struct segment_event_row absurd = {UINT64_MAX, UINT64_MAX};

    segment_build_small(&build);
    for (uint32_t id = 0; id < 20; id++) /* most of them are no callsites */
        *segment_build_event(&build, SEGMENT_EVENT_MUTEX, id) = absurd;
    *segment_build_event(&build, SEGMENT_EVENT_BLOCK, 8) =
        (struct segment_event_row){0, 77};
    *segment_build_event(&build, SEGMENT_EVENT_NONE, 8) = absurd;
    snapshot = snapshot_of_sound(&build);
    assert_null(snapshot->events[SEGMENT_EVENT_NONE]);
    assert_int_equal(snapshot->events[SEGMENT_EVENT_BLOCK][8].delay_ns, 0);
    assert_int_equal(snapshot->event_callsites[SEGMENT_EVENT_MUTEX],
                     SEGMENT_SINK_COUNT - 1 + 3);
    profile = profile_of(snapshot, "mutex");
    assert_int_equal(profile->total[PROFILE_DELAY], INT64_MAX);
    profile_free(profile);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

/* A callsite whose nodes are gone: what happened there is still told. */
static void test_lost_stack(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;
    uint32_t lost;

    segment_build_small(&build);
    lost = segment_build_callsite(&build, build.header->nodes_used++, 1);
    *segment_build_event(&build, SEGMENT_EVENT_THREAD, lost) =
        (struct segment_event_row){41, 0};
    snapshot = snapshot_of_sound(&build);
    assert_int_equal(
        snapshot->events[SEGMENT_EVENT_THREAD][SEGMENT_SINK_NO_STACK].count,
        1 + 41);
    segment_snapshot_free(snapshot);
    segment_build_end(&build);
}

static void test_owner(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_snapshot *snapshot;
    int err;

    segment_build_small(&build);
    build.extents[0] =
        SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_EVENTS, SEGMENT_EVENT_COUNT, 0);
    snapshot = snapshot_of_bytes(&build, segment_build_size(&build), &err);
    assert_null(snapshot);
    assert_int_equal(err, -EINVAL);
    assert_int_equal(snapshot_error.offset, SEGMENT_EXTENT_TABLE_OFFSET);
    assert_string_equal(snapshot_error.reason,
                        "extent 0: events of owner 5, not below 5");
    segment_build_end(&build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),  cmocka_unit_test(test_texts),
        cmocka_unit_test(test_absurd), cmocka_unit_test(test_lost_stack),
        cmocka_unit_test(test_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
