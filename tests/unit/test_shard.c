/* SPDX-License-Identifier: MIT */
/*
 * Counters against plain sums, per callsite, read back from the segment by its
 * table: own rows, the common shard's, and without any room the header's
 * sinks. And whose shard it is when its thread has died.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "own_life.h"
#include "shard_count.h"

#define CALLSITES 7000u /* in four extents */
#define STEPS     200000

static struct segment_row model[CALLSITES];
static struct segment_calls model_calls;

static void add(struct segment_row *sum, const struct segment_row *row)
{
    sum->alloc_objects += SEGMENT_OBJECTS(row->alloc_objects);
    sum->alloc_space += row->alloc_space;
    sum->free_objects += row->free_objects;
    sum->free_space += row->free_space;
}

/* The counters of callsites: their rows in all shards, and their sinks. */
static void read_rows(struct segment_row *sums, uint32_t callsites)
{
    memset(sums, 0, callsites * sizeof(*sums));
    for (uint32_t i = 0; i < SEGMENT_SINK_COUNT; i++)
        add(&sums[i], &life->header->sinks[i]);
    for (uint32_t shard = 0; shard < SEGMENT_SHARDS_MAX; shard++) {
        const struct segment_row *rows = NULL;

        for (uint32_t i = 0; i < callsites; i++) {
            if (i % SEGMENT_ROWS_PER_EXTENT == 0)
                rows = own_life_element(SEGMENT_EXTENT_COUNTERS, shard, i,
                                        SEGMENT_ROWS_PER_EXTENT, sizeof(*rows));
            if (rows)
                add(&sums[i], &rows[i % SEGMENT_ROWS_PER_EXTENT]);
        }
    }
}

static void count_some(struct shard *shard, uint32_t callsites, int steps)
{
    for (int i = 0; i < steps; i++) {
        uint32_t callsite = 1 + (uint32_t)random() % (callsites - 1);
        uint64_t size = (uint64_t)random() * (random() % 1000);

        if (random() % 2) {
            shard_add_free(shard, callsite, 3, size);
            add(&model[callsite], &(struct segment_row){0, 0, 3, size});
        } else {
            shard_count_alloc(shard, callsite, size);
            add(&model[callsite], &(struct segment_row){1, size, 0, 0});
        }
        if (random() % 16 == 0) {
            uint64_t n = (uint64_t)random() % 3;

            shard_add_calls(shard, n, 1, 2);
            model_calls.allocs += n;
            model_calls.frees += 1;
            model_calls.unknown_frees += 2;
        }
    }
}

static void compare(uint32_t callsites)
{
    static struct segment_row rows[CALLSITES];
    struct segment_row total = {0, 0, 0, 0};
    struct shard_totals totals;

    read_rows(rows, callsites);
    for (uint32_t i = 1; i < callsites; i++) {
        assert_memory_equal(&rows[i], &model[i], sizeof(rows[i]));
        add(&total, &rows[i]);
    }
    assert_memory_equal(&rows[0], &model_calls, sizeof(model_calls));
    shard_read_totals(&totals);
    assert_memory_equal(&totals.callsites, &total, sizeof(total));
    assert_memory_equal(&totals.calls, &model_calls, sizeof(model_calls));
}

struct work {
    struct shard *shard; /* whose it was */
    int steps;
};

static void *work(void *argument)
{
    struct work *work = argument;

    work->shard = shard_claim();
    count_some(work->shard, CALLSITES, work->steps);
    return NULL;
}

static struct shard *run_thread(int steps)
{
    struct work one = {NULL, steps};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, work, &one), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return one.shard;
}

static void test_counts(void **state)
{
    struct shard *mine;

    (void)state;
    srandom(1);
    mine = shard_claim();
    assert_false(mine->shared);
    count_some(mine, CALLSITES, STEPS);
    compare(CALLSITES);
    for (int i = 0; i < 20; i++)
        run_thread(1000);
    compare(CALLSITES);
    /* One living and one dead owner at a time: two shards suffice. */
    assert_int_equal(life->header->shards_used, 3);
}

/* A dead thread's shard goes to the next, with its counts; a live one's, here
 * the main thread's, to nobody. */
static void test_takeover(void **state)
{
    struct shard *mine = shard_claim();
    struct shard *first = run_thread(100), *second = run_thread(100);

    (void)state;
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, mine);
    compare(CALLSITES);
}

static pthread_barrier_t all_alive;

static void *live(void *shard)
{
    *(struct shard **)shard = shard_claim();
    pthread_barrier_wait(&all_alive);
    return NULL;
}

static void test_more_than_shards(void **state)
{
    enum { THREADS = SEGMENT_SHARDS_MAX + 6 };
    struct shard *shards[THREADS];
    pthread_t threads[THREADS];
    int shared = 0;

    (void)state;
    pthread_barrier_init(&all_alive, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, live, &shards[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        shared += shards[i]->shared;
        for (int j = 0; j < i; j++)
            assert_true(shards[i] != shards[j] || shards[i]->shared);
        count_some(shards[i], CALLSITES, 100);
    }
    assert_true(shared >= THREADS - (int)SEGMENT_SHARDS_MAX + 1);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_SHARDS_SHARED], shared);
    compare(CALLSITES);
}

/* In another process with our memory (vfork), a shard could not be told from a
 * dead thread's. */
static void test_not_mine(void **state)
{
    uint32_t used = life->header->shards_used;

    (void)state;
    life->header->pid++;
    assert_true(shard_claim()->shared);
    assert_int_equal(life->header->shards_used, used);
    life->header->pid--;
}

/* In a segment without an extent the header's own sinks count. In a child,
 * whose shards the kernel has wiped. */
static void test_no_room(void **state)
{
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        int wrong;

        memset(model, 0, sizeof(model));
        model_calls = (struct segment_calls){0, 0, 0, 0};
        own_life_begin(0);
        wrong = shard_begin();
        count_some(shard_claim(), SEGMENT_SINK_COUNT, 1000);
        for (uint32_t i = 1; i < SEGMENT_SINK_COUNT; i++)
            wrong |=
                memcmp(&life->header->sinks[i], &model[i], sizeof(model[i]));
        wrong |=
            memcmp(&life->header->sinks[0], &model_calls, sizeof(model_calls));
        _exit(wrong != 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Rows of their own leave threads half of the segment: what they count then is
 * in the common ones. */
static void test_half(void **state)
{
    enum {
        COMMON =
            (CALLSITES + SEGMENT_ROWS_PER_EXTENT - 1) / SEGMENT_ROWS_PER_EXTENT
    };
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct shard *mine;
        uint32_t own = 0;
        bool wrong;

        memset(model, 0, sizeof(model));
        model_calls = (struct segment_calls){0, 0, 0, 0};
        own_life_begin(2 * COMMON + 2);
        wrong = shard_begin() != 0;
        for (uint32_t i = 0; i < CALLSITES; i++)
            wrong |= !shard_prepare(i);
        mine = shard_claim();
        count_some(mine, CALLSITES, 10000);
        compare(CALLSITES);
        wrong |= mine->shared;
        for (uint32_t i = 0; i < COMMON; i++)
            own += mine->rows[i] != NULL;
        wrong |= own != 1;
        _exit(wrong);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int begin(void **state)
{
    (void)state;
    own_life_begin(1000);
    if (shard_begin() != 0)
        return -1;
    for (uint32_t i = 0; i < CALLSITES; i++)
        if (!shard_prepare(i))
            return -1;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_more_than_shards),
        cmocka_unit_test(test_not_mine),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_half),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
