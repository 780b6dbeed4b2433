/* SPDX-License-Identifier: MIT */
/*
 * Folding against what scrapers need: at most `limit` samples, the same sums,
 * and, from scrape to scrape of a growing process, no stack that comes, goes or
 * shrinks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segment_fold.h"

#define CALLSITES 3000u

static struct segment_values truth[CALLSITES], last[CALLSITES], now[CALLSITES];

/* A snapshot of the process as it is now, in memory of its own. */
static struct segment_snapshot take(uint32_t pid, uint32_t count)
{
    memcpy(now, truth, sizeof(now));
    return (struct segment_snapshot){.header = {.pid = pid, .start_time = 7},
                                     .callsite_count = count,
                                     .values = now};
}

static struct segment_values sum_of(const struct segment_values *values)
{
    struct segment_values sum = {0};

    for (uint32_t i = 1; i < CALLSITES; i++) {
        sum.alloc_objects += values[i].alloc_objects;
        sum.alloc_space += values[i].alloc_space;
        sum.inuse_objects += values[i].inuse_objects;
        sum.inuse_space += values[i].inuse_space;
        sum.peak_objects += values[i].peak_objects;
        sum.peak_space += values[i].peak_space;
    }
    return sum;
}

static uint32_t samples_of(const struct segment_values *values)
{
    uint32_t samples = 0;

    for (uint32_t i = 1; i < CALLSITES; i++)
        samples += values[i].alloc_objects != 0;
    return samples;
}

static void allocate(uint32_t callsite)
{
    uint64_t size = 1 + (uint64_t)random() % 1000;

    truth[callsite].alloc_objects++;
    truth[callsite].alloc_space += size;
    truth[callsite].inuse_objects++;
    truth[callsite].inuse_space += size;
    truth[callsite].peak_objects += 2;
    truth[callsite].peak_space += size + 7;
}

static void check_scrape(struct segment_folds *folds, uint32_t limit,
                         uint32_t count, bool first)
{
    struct segment_snapshot snapshot = take(1, count);
    struct segment_values wanted = sum_of(truth), got;

    assert_int_equal(segment_fold(folds, &snapshot, SEGMENT_EVENT_NONE, limit),
                     0);
    got = sum_of(now);
    assert_memory_equal(&got, &wanted, sizeof(got));
    assert_true(samples_of(now) <=
                (limit > SEGMENT_SINK_COUNT ? limit : SEGMENT_SINK_COUNT));
    for (uint32_t i = 1; i < CALLSITES && !first; i++) {
        assert_true(now[i].alloc_objects >= last[i].alloc_objects);
        assert_true(now[i].alloc_space >= last[i].alloc_space);
        if (last[i].alloc_objects && i >= SEGMENT_SINK_COUNT)
            assert_int_equal(now[i].alloc_objects, truth[i].alloc_objects);
    }
    memcpy(last, now, sizeof(last));
}

static void test_growing(void **state)
{
    static const uint32_t limits[] = {1, 8, 9, 100, 1000, 5000};

    (void)state;
    for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
        struct segment_folds *folds = segment_folds_new();
        uint32_t count = 500;

        memset(truth, 0, sizeof(truth));
        srandom((unsigned)l + 1);
        for (int scrape = 0; scrape < 20; scrape++) {
            for (int i = 0; i < 1000; i++)
                allocate(SEGMENT_SINK_COUNT +
                         (uint32_t)random() % (count - SEGMENT_SINK_COUNT));
            if (scrape == 9)
                allocate(SEGMENT_SINK_NESTED);
            check_scrape(folds, limits[l], count, scrape == 0);
            count += 125;
        }
        segment_folds_free(folds);
    }
}

/* The largest are shown. */
static void test_largest(void **state)
{
    struct segment_folds *folds = segment_folds_new();
    struct segment_snapshot snapshot;

    (void)state;
    memset(truth, 0, sizeof(truth));
    for (uint32_t id = SEGMENT_SINK_COUNT; id < CALLSITES; id++)
        truth[id] = (struct segment_values){.alloc_objects = 1,
                                            .alloc_space = id % 101 * 10 + 1};
    snapshot = take(1, CALLSITES);
    assert_int_equal(segment_fold(folds, &snapshot, SEGMENT_EVENT_NONE, 100),
                     0);
    for (uint32_t id = SEGMENT_SINK_COUNT; id < CALLSITES; id++)
        if (now[id].alloc_objects)
            assert_true(now[id].alloc_space > 900);
    assert_true(samples_of(now) > 90);
    segment_folds_free(folds);
}

/* More processes than are remembered: each scrape for itself is right. */
static void test_many(void **state)
{
    struct segment_folds *folds = segment_folds_new();

    (void)state;
    for (uint32_t pid = 1; pid < 3 * SEGMENT_FOLDS_MAX; pid++) {
        struct segment_snapshot snapshot = take(pid, CALLSITES);
        struct segment_values wanted = sum_of(truth), got;

        assert_int_equal(segment_fold(folds, &snapshot, SEGMENT_EVENT_NONE, 50),
                         0);
        got = sum_of(now);
        assert_memory_equal(&got, &wanted, sizeof(got));
        assert_true(samples_of(now) <= 50);
    }
    segment_folds_free(folds);
}

/* Waits: those that took longest are shown, and sums stay; also next time,
 * when what was folded has grown. A kind that never happened stays away. */
static void test_events(void **state)
{
    static struct segment_event_row rows[CALLSITES];
    struct segment_folds *folds = segment_folds_new();
    struct segment_snapshot snapshot = take(1, CALLSITES);
    uint64_t last_folded = 0;

    (void)state;
    assert_int_equal(segment_fold(folds, &snapshot, SEGMENT_EVENT_BLOCK, 20),
                     0);
    for (int scrape = 1; scrape <= 10; scrape++) {
        uint64_t count = 0, delay = 0, shown = 0;

        for (uint32_t id = SEGMENT_SINK_COUNT; id < CALLSITES; id++)
            rows[id] = (struct segment_event_row){
                (uint64_t)scrape, scrape == 1 ? id : 7 * (CALLSITES + id)};
        rows[SEGMENT_SINK_FOLDED] = (struct segment_event_row){0};
        snapshot.events[SEGMENT_EVENT_BLOCK] = rows;
        assert_int_equal(
            segment_fold(folds, &snapshot, SEGMENT_EVENT_BLOCK, 20), 0);
        for (uint32_t id = 1; id < CALLSITES; id++) {
            count += rows[id].count;
            delay += rows[id].delay_ns;
            shown += rows[id].count != 0;
            if (rows[id].count && id >= SEGMENT_SINK_COUNT)
                assert_true(id > CALLSITES - 20);
        }
        assert_true(shown <= 20);
        assert_int_equal(count,
                         (uint64_t)scrape * (CALLSITES - SEGMENT_SINK_COUNT));
        assert_true(delay > rows[SEGMENT_SINK_FOLDED].delay_ns);
        assert_true(rows[SEGMENT_SINK_FOLDED].count > last_folded);
        last_folded = rows[SEGMENT_SINK_FOLDED].count;
    }
    segment_folds_free(folds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
