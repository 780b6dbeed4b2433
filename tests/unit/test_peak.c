/* SPDX-License-Identifier: MIT */
/*
 * The peak against a model that has seen every count: random rises and falls
 * over many callsites in one thread and in several, whose counts a lock puts in
 * an order. What the segment says, read by segment.h's rules alone, must be
 * what every callsite had at one moment, to the byte, and the total of that
 * moment must be as near to the highest as segment.h promises.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "own_life.h"
#include "shard_count.h"

#define CALLSITES  5000u /* rows in three extents, peaks in two */
#define BLOCKS_MAX 4000

struct use {
    int64_t objects, space;
};

static struct model {
    struct use now[CALLSITES], at_peak[CALLSITES];
    int64_t total, highest, peak_total;
    uint32_t epoch;
    struct {
        uint32_t callsite;
        int64_t size;
    } blocks[BLOCKS_MAX];
    int block_count;
} model;

/* A new segment, and shards wiped as the kernel wipes them in a child. */
static void begin_with_room(uint32_t extents)
{
    struct shard *any;

    own_life_begin(extents);
    assert_int_equal(shard_begin(), 0);
    any = shard_claim();
    memset(any - any->index, 0, SEGMENT_SHARDS_MAX * sizeof(*any));
    own_life_begin(extents);
    assert_int_equal(shard_begin(), 0);
    memset(&model, 0, sizeof(model));
    srandom(1);
}

static void begin(void)
{
    begin_with_room(1000);
    for (uint32_t i = 0; i < CALLSITES; i++)
        assert_true(shard_prepare(i));
}

/* To be called after each count, which had the model's state before it. */
static void note_peak(void)
{
    uint32_t epoch = life->header->peak_epoch;

    if (epoch == model.epoch)
        return;
    assert_int_equal(epoch, model.epoch + 1);
    model.epoch = epoch;
    memcpy(model.at_peak, model.now, sizeof(model.at_peak));
    model.peak_total = model.total;
}

static void count(struct shard *shard, uint32_t callsite, int64_t objects,
                  int64_t size)
{
    if (objects == 1)
        shard_count_alloc(shard, callsite, (uint64_t)size);
    else if (objects == -1)
        shard_count_free(shard, callsite, (uint64_t)-size);
    else if (objects > 0)
        shard_add_alloc(shard, callsite, (uint64_t)objects, (uint64_t)size);
    else
        shard_add_free(shard, callsite, (uint64_t)-objects, (uint64_t)-size);
    note_peak();
    model.now[callsite].objects += objects;
    model.now[callsite].space += size;
    model.total += size;
    if (model.total > model.highest)
        model.highest = model.total;
}

static void add_block(struct shard *shard, uint32_t callsite, int64_t size)
{
    int i = model.block_count++;

    model.blocks[i].callsite = callsite;
    model.blocks[i].size = size;
    count(shard, callsite, 1, size);
}

static void remove_block(struct shard *shard, int i)
{
    uint32_t callsite = model.blocks[i].callsite;
    int64_t size = model.blocks[i].size;

    model.blocks[i] = model.blocks[--model.block_count];
    count(shard, callsite, -1, -size);
}

/* What segment.h says of a row, which may have no peak. */
static struct use read_row(const struct segment_row *row,
                           const struct segment_peak *peak)
{
    uint64_t word = row->alloc_objects;

    if (word >> 51 < life->header->peak_epoch)
        return (struct use){
            (int64_t)(word % (UINT64_C(1) << 51) - row->free_objects),
            (int64_t)(row->alloc_space - row->free_space)};
    return peak ? (struct use){(int64_t)peak->objects, (int64_t)peak->space}
                : (struct use){0, 0};
}

/* Adds what a shard says of the callsites of an extent, of which `first` is the
 * first. */
static void add_rows(struct use *sums, uint32_t shard, uint32_t first)
{
    const struct segment_row *rows =
        own_life_element(SEGMENT_EXTENT_COUNTERS, shard, first,
                         SEGMENT_ROWS_PER_EXTENT, sizeof(*rows));
    const struct segment_peak *peaks =
        own_life_element(SEGMENT_EXTENT_PEAKS, shard, first,
                         SEGMENT_PEAKS_PER_EXTENT, sizeof(*peaks));

    for (uint32_t i = 0; rows && i < SEGMENT_ROWS_PER_EXTENT; i++) {
        struct use use = read_row(&rows[i], peaks ? &peaks[i] : NULL);

        sums[first + i].objects += use.objects;
        sums[first + i].space += use.space;
    }
}

static void compare(int threads)
{
    static struct use sums[CALLSITES + SEGMENT_ROWS_PER_EXTENT];
    int64_t bound = SEGMENT_PEAK_BOUND(model.highest, threads);

    memset(sums, 0, sizeof(sums));
    for (uint32_t shard = 0; shard < SEGMENT_SHARDS_MAX; shard++)
        for (uint32_t i = 0; i < CALLSITES; i += SEGMENT_ROWS_PER_EXTENT)
            add_rows(sums, shard, i);
    for (uint32_t i = 1; i < CALLSITES; i++) {
        assert_int_equal(sums[i].objects, model.at_peak[i].objects);
        assert_int_equal(sums[i].space, model.at_peak[i].space);
    }
    if (model.total < model.highest) /* else now is the peak */
        assert_true(model.highest - model.peak_total < bound);
}

/* Sizes from a byte to some MiB, small ones often. */
static int64_t random_size(void)
{
    return 1 + (random() >> (7 + random() % 24));
}

/* One step of a walk that tends to `aim` blocks. */
static void step(struct shard *shard, int aim)
{
    bool up = random() % BLOCKS_MAX >= model.block_count - aim + BLOCKS_MAX / 2;

    if (model.block_count == 0 || (up && model.block_count < BLOCKS_MAX))
        add_block(shard, 1 + (uint32_t)random() % (CALLSITES - 1),
                  random_size());
    else
        remove_block(shard, (int)(random() % model.block_count));
}

static void test_one_thread(void **state)
{
    struct shard *shard;

    (void)state;
    begin();
    shard = shard_claim();
    for (int round = 0; round < 60; round++) {
        int aim = (int)(random() % BLOCKS_MAX);

        for (int i = 0; i < 3000; i++)
            step(shard, aim);
        compare(1);
    }
    assert_true(model.epoch > 20);
}

/* Only up and then only down: nothing is lost at all. */
static void test_single_rise(void **state)
{
    struct shard *shard;

    (void)state;
    begin();
    shard = shard_claim();
    for (int i = 0; i < 3001; i++)
        add_block(shard, 1 + (uint32_t)i % 997, 104);
    assert_int_equal(life->header->peak_epoch, 0);
    while (model.block_count)
        remove_block(shard, 0);
    assert_int_equal(model.epoch, 1);
    assert_int_equal(model.peak_total, model.highest);
    compare(1);
}

/* Up by two, down by one: peaks are a step apart, so that there is an end to
 * them however long it goes on, and saving costs little. */
static void test_steps(void **state)
{
    struct shard *shard;
    int64_t before = 0;
    uint32_t epoch = 0;

    (void)state;
    begin();
    shard = shard_claim();
    for (int i = 0; i < 2000000; i++) {
        count(shard, 1 + (uint32_t)i % 3, 2, 1000 + i / 20);
        count(shard, 1 + (uint32_t)i % 3, -1, -(500 + i / 40));
        if (model.epoch == epoch)
            continue;
        assert_true(before == 0 ||
                    model.peak_total - before >= SEGMENT_PEAK_STEP(before));
        before = model.peak_total, epoch = model.epoch;
    }
    compare(1);
    assert_true(model.highest > INT64_C(1) << 35);
    assert_true(model.epoch > 1000 && model.epoch < SEGMENT_EPOCH_LAST / 2);
}

/* Where all add up to what a signed 64-bit number holds, epochs suffice. */
static void test_largest(void **state)
{
    struct shard *shard;

    (void)state;
    begin();
    shard = shard_claim();
    for (int64_t size = 64; size < INT64_C(1) << 54; size += 1 + size / 1024)
        for (int i = 0; i < 2; i++) {
            count(shard, 9, 1, size);
            count(shard, 9, -1, -(size - size / 512));
        }
    assert_true(model.highest > INT64_C(1) << 53);
    assert_true(model.epoch > 4000 && model.epoch < SEGMENT_EPOCH_LAST);
    compare(1);
}

/* ---- threads ----------------------------------------------------------- */

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_alive;

static void *walk(void *argument)
{
    struct shard *shard = shard_claim();
    int steps = *(int *)argument;

    pthread_barrier_wait(&all_alive);
    for (int i = 0; i < steps; i++) {
        pthread_mutex_lock(&order);
        step(shard, i * 8 < steps * 7 ? 3000 : 500);
        pthread_mutex_unlock(&order);
    }
    pthread_barrier_wait(&all_alive);
    return NULL;
}

static void run_threads(int threads, int steps)
{
    pthread_t ids[SEGMENT_SHARDS_MAX + 8];

    pthread_barrier_init(&all_alive, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, walk, &steps), 0);
    for (int i = 0; i < threads; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    pthread_barrier_destroy(&all_alive);
}

/* Shards that one thread after the other has: drift and rows go with them. */
static void test_threads(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 4; i++) {
        run_threads(4, 10000);
        compare((int)life->header->shards_used);
    }
    assert_true(life->header->shards_used < 10);
}

/* Some of them in the common shard. */
static void test_more_threads_than_shards(void **state)
{
    (void)state;
    begin();
    run_threads(SEGMENT_SHARDS_MAX + 8, 2000);
    assert_true(life->header->losses[SEGMENT_LOSS_SHARDS_SHARED] > 0);
    compare(SEGMENT_SHARDS_MAX);
}

/* Without room for a peak the counters are right all the same. */
static void test_no_room(void **state)
{
    struct shard *shard;
    struct shard_totals totals;

    (void)state;
    begin_with_room(4); /* rows in shard 0 and in one more */
    assert_true(shard_prepare(1));
    shard = shard_claim();
    add_block(shard, 1, 100);
    life->header->extents_used = 4; /* others took the rest */
    for (int i = 0; i < 1000; i++)
        add_block(shard, 1 + (uint32_t)i % 7, 100);
    while (model.block_count)
        remove_block(shard, 0);
    assert_int_equal(model.epoch, 1);
    shard_read_totals(&totals);
    assert_int_equal(totals.callsites.alloc_objects, 1001);
    assert_int_equal(totals.callsites.free_space, 100100);
    assert_true(life->header->losses[SEGMENT_LOSS_NO_ROOM] > 0);
    assert_null(own_life_element(SEGMENT_EXTENT_PEAKS, shard->index, 1,
                                 SEGMENT_PEAKS_PER_EXTENT,
                                 sizeof(struct segment_peak)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread),
        cmocka_unit_test(test_single_rise),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_more_threads_than_shards),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
