/* SPDX-License-Identifier: MIT */
/*
 * Differences since a client's last look, of random growth, against a model
 * that keeps whole copies: what each client was told adds up to what was
 * counted since its first look, whatever the others do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segment_delta.h"

#define CALLSITES 500u
#define CLIENTS   5
#define LOOKS     400

static struct segment_values heap[CALLSITES];
static struct segment_event_row rows[CALLSITES];
static struct segment_values heap_now[CALLSITES];
static struct segment_event_row rows_now[CALLSITES];
static uint64_t clock_ns = 1000;

static struct segment_snapshot take(uint32_t pid, uint32_t count)
{
    memcpy(heap_now, heap, sizeof(heap));
    memcpy(rows_now, rows, sizeof(rows));
    return (struct segment_snapshot){
        .header = {.pid = pid, .start_time = 7, .created_ns = 11},
        .taken_ns = clock_ns += 13,
        .callsite_count = count,
        .values = heap_now,
        .events = {[SEGMENT_EVENT_MUTEX] = rows_now},
    };
}

static void work(uint32_t count)
{
    for (int i = 0; i < 20; i++) {
        uint32_t id = 1 + (uint32_t)random() % (count - 1);
        uint64_t size = 1 + (uint64_t)random() % 1000;

        heap[id].alloc_objects++;
        heap[id].alloc_space += size;
        heap[id].inuse_objects = (uint64_t)random() % 100;
        heap[id].inuse_space = heap[id].inuse_objects * 7;
        rows[id].count++;
        rows[id].delay_ns += size;
    }
}

static void test_clients(void **state)
{
    static struct segment_values heap_seen[CLIENTS][CALLSITES];
    static struct segment_event_row rows_seen[CLIENTS][CALLSITES];
    struct segment_deltas *deltas = segment_deltas_new();
    uint64_t heap_looked[CLIENTS] = {0}, rows_looked[CLIENTS] = {0};
    uint32_t count = 50;

    (void)state;
    srandom(1);
    for (int look = 0; look < LOOKS; look++) {
        struct segment_snapshot snapshot;
        long who = random() % CLIENTS;
        char name[16];
        uint64_t since;

        work(count);
        snapshot = take(1, count);
        snprintf(name, sizeof(name), "client %ld", who);
        if (random() % 2) {
            assert_int_equal(segment_delta(deltas, &snapshot,
                                           SEGMENT_EVENT_NONE, name, &since),
                             0);
            assert_int_equal(since, heap_looked[who]);
            for (uint32_t id = 0; id < count; id++) {
                const struct segment_values *seen = &heap_seen[who][id];
                struct segment_values wanted = heap[id];

                wanted.alloc_objects -= seen->alloc_objects;
                wanted.alloc_space -= seen->alloc_space;
                if (!since)
                    wanted = (struct segment_values){0};
                assert_memory_equal(&heap_now[id], &wanted, sizeof(wanted));
            }
            assert_memory_equal(rows_now, rows, sizeof(rows));
            memcpy(heap_seen[who], heap, sizeof(heap));
            heap_looked[who] = clock_ns;
        } else {
            assert_int_equal(segment_delta(deltas, &snapshot,
                                           SEGMENT_EVENT_MUTEX, name, &since),
                             0);
            assert_int_equal(since, rows_looked[who]);
            for (uint32_t id = 0; id < count; id++) {
                const struct segment_event_row *seen = &rows_seen[who][id];

                assert_int_equal(rows_now[id].count,
                                 since ? rows[id].count - seen->count : 0);
                assert_int_equal(rows_now[id].delay_ns,
                                 since ? rows[id].delay_ns - seen->delay_ns
                                       : 0);
            }
            assert_memory_equal(heap_now, heap, sizeof(heap));
            memcpy(rows_seen[who], rows, sizeof(rows));
            rows_looked[who] = clock_ns;
        }
        count += look % 2;
    }
    segment_deltas_free(deltas);
}

static uint64_t look(struct segment_deltas *deltas,
                     struct segment_snapshot snapshot, const char *client)
{
    uint64_t since;

    assert_int_equal(
        segment_delta(deltas, &snapshot, SEGMENT_EVENT_NONE, client, &since),
        0);
    return since;
}

/* A program that was started again, or became another, is a new one. */
static void test_restart(void **state)
{
    struct segment_deltas *deltas = segment_deltas_new();
    struct segment_snapshot snapshot;
    uint64_t since;

    (void)state;
    heap[9] = (struct segment_values){5, 50, 3, 30, 0, 0};
    assert_int_equal(look(deltas, take(1, 10), "a"), 0);
    assert_int_not_equal(look(deltas, take(1, 10), "a"), 0);
    heap[9] = (struct segment_values){2, 20, 1, 10, 0, 0};
    assert_int_equal(look(deltas, take(2, 10), "a"), 0);
    snapshot = take(1, 10);
    snapshot.header.created_ns++;
    assert_int_equal(look(deltas, snapshot, "a"), 0);
    snapshot = take(1, 10);
    snapshot.header.start_time++;
    assert_int_equal(look(deltas, snapshot, "a"), 0);
    /* what no process does: no difference is below 0 */
    snapshot = take(1, 10);
    assert_int_equal(
        segment_delta(deltas, &snapshot, SEGMENT_EVENT_NONE, "a", &since), 0);
    assert_int_not_equal(since, 0);
    assert_int_equal(heap_now[9].alloc_objects, 0);
    assert_int_equal(heap_now[9].alloc_space, 0);
    assert_int_equal(heap_now[9].inuse_space, 10);
    segment_deltas_free(deltas);
}

/* Bytes that are added after the snapshot of their block's count come with
 * the next block; none are lost. */
static void test_torn(void **state)
{
    struct segment_deltas *deltas = segment_deltas_new();

    (void)state;
    heap[9] = (struct segment_values){5, 50, 0, 0, 0, 0};
    look(deltas, take(1, 10), "a");
    heap[9].alloc_objects = 6;
    look(deltas, take(1, 10), "a");
    assert_int_equal(heap_now[9].alloc_objects, 1);
    assert_int_equal(heap_now[9].alloc_space, 0);
    heap[9].alloc_space = 60;
    look(deltas, take(1, 10), "a");
    assert_int_equal(heap_now[9].alloc_objects, 0);
    assert_int_equal(heap_now[9].alloc_space, 0);
    heap[9].alloc_objects = 7;
    heap[9].alloc_space = 75;
    look(deltas, take(1, 10), "a");
    assert_int_equal(heap_now[9].alloc_objects, 1);
    assert_int_equal(heap_now[9].alloc_space, 25);
    segment_deltas_free(deltas);
}

/* A kind of event that happens for the first time between two looks. */
static void test_event_comes(void **state)
{
    struct segment_deltas *deltas = segment_deltas_new();
    struct segment_snapshot snapshot = take(1, 10);
    uint64_t since;

    (void)state;
    snapshot.events[SEGMENT_EVENT_MUTEX] = NULL;
    assert_int_equal(
        segment_delta(deltas, &snapshot, SEGMENT_EVENT_MUTEX, "a", &since), 0);
    assert_int_equal(since, 0);
    rows[9] = (struct segment_event_row){3, 33};
    snapshot = take(1, 10);
    assert_int_equal(
        segment_delta(deltas, &snapshot, SEGMENT_EVENT_MUTEX, "a", &since), 0);
    assert_int_not_equal(since, 0);
    assert_int_equal(rows_now[9].count, 3);
    assert_int_equal(rows_now[9].delay_ns, 33);
    segment_deltas_free(deltas);
}

/* The least recently used gives way: of clients, and of memory. */
static void test_bounds(void **state)
{
    struct segment_deltas *deltas = segment_deltas_new();
    uint32_t large = 1u << 20, fit = SEGMENT_DELTAS_SIZE_MAX / (16 * large);
    struct segment_snapshot snapshot = take(1, large);
    char name[SEGMENT_CLIENT_MAX + 1];

    (void)state;
    for (int i = 0; i < SEGMENT_DELTAS_MAX; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(look(deltas, take(1, 10), name), 0);
    }
    assert_int_not_equal(look(deltas, take(1, 10), "0"), 0);
    assert_int_equal(look(deltas, take(1, 10), "one more"), 0);
    assert_int_not_equal(look(deltas, take(1, 10), "0"), 0);
    assert_int_equal(look(deltas, take(1, 10), "1"), 0);
    assert_int_not_equal(look(deltas, take(1, 10), "3"), 0);

    snapshot.values = calloc(large, sizeof(*snapshot.values));
    for (uint32_t i = 0; i <= fit; i++) {
        snprintf(name, sizeof(name), "large %u", i);
        assert_int_equal(look(deltas, snapshot, name), 0);
    }
    assert_int_not_equal(look(deltas, snapshot, "large 1"), 0);
    assert_int_equal(look(deltas, snapshot, "large 0"), 0);
    assert_int_equal(look(deltas, take(1, 10), "3"), 0);
    free(snapshot.values);

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(look(deltas, take(1, 10), name), 0);
    assert_int_not_equal(look(deltas, take(1, 10), name), 0);
    segment_deltas_free(deltas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients), cmocka_unit_test(test_restart),
        cmocka_unit_test(test_torn),    cmocka_unit_test(test_event_comes),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
