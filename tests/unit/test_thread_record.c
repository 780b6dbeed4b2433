/* SPDX-License-Identifier: MIT */
/*
 * test_thread_record.c - what the segment knows of a thread, as it is found.
 *
 * Goal: the record of this thread or none, whatever records are there. Method:
 * records made by hand, of ids that came again, in the last and the wrong
 * places, of callsites and sets of labels that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "thread_record.h"

static void test_find(void **state)
{
    const uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    const uint32_t tid = 2 * SEGMENT_THREADS_MAX - 1; /* the last place */
    struct segment_callsite callsites[12] = {[9] = {1, 1}, [10] = {1, 1}};
    struct segment_thread *threads = calloc(SEGMENT_THREADS_MAX, 24);
    struct segment_snapshot snapshot = {
        .callsite_count = 12, .callsites = callsites, .threads = threads};
    struct segment_thread *first = &threads[SEGMENT_THREADS_MAX - 1];

    (void)state;
    assert_int_equal(thread_record_creation(&snapshot, tid, 50), 0);
    *first =
        (struct segment_thread){SEGMENT_THREAD_WHO(tid, 9), 50 * tick_ns, 0};
    assert_int_equal(thread_record_creation(&snapshot, tid, 50), 9);
    assert_int_equal(thread_record_creation(&snapshot, tid, 49), 9);
    assert_int_equal(thread_record_creation(&snapshot, tid, 51), 0);
    assert_int_equal(thread_record_creation(&snapshot, tid + 1, 50), 0);
    /* its id came again, around the end */
    threads[SEGMENT_THREAD_PLACES - 2] = (struct segment_thread){
        SEGMENT_THREAD_WHO(tid, 10), 52 * tick_ns - 1, 0};
    assert_int_equal(thread_record_creation(&snapshot, tid, 51), 10);
    /* one beyond its places */
    threads[SEGMENT_THREAD_PLACES - 1] =
        (struct segment_thread){SEGMENT_THREAD_WHO(tid, 10), 99 * tick_ns, 0};
    assert_int_equal(thread_record_creation(&snapshot, tid, 60), 0);
    /* callsites that are none */
    first->who = SEGMENT_THREAD_WHO(tid, 11);
    assert_int_equal(thread_record_creation(&snapshot, tid, 40), 10);
    first->who = SEGMENT_THREAD_WHO(tid, UINT32_MAX);
    assert_int_equal(thread_record_creation(&snapshot, tid, 40), 10);
    free(threads);
}

static struct segment_thread labelled(uint32_t tid, uint64_t ns, uint32_t set)
{
    return (struct segment_thread){
        .who = SEGMENT_THREAD_WHO(tid, 0),
        .labels = SEGMENT_THREAD_LABELS_SINCE(ns) | set,
    };
}

static void test_labels(void **state)
{
    const uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    const uint32_t tid = 4711;
    struct segment_label labels[5] = {
        [2] = {.value_length = 1}, [4] = {.value_length = 1}};
    struct segment_thread *threads = calloc(SEGMENT_THREADS_MAX, 24);
    struct segment_thread *places = &threads[tid % SEGMENT_THREADS_MAX];
    struct segment_snapshot snapshot = {
        .label_count = 5, .labels = labels, .threads = threads};

    (void)state;
    assert_int_equal(thread_record_labels(&snapshot, tid, 0), 0);
    places[3] = labelled(tid, 50 * tick_ns, 2);
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 2);
    assert_int_equal(thread_record_labels(&snapshot, tid, 51), 0);
    assert_int_equal(thread_record_labels(&snapshot, tid + 1, 0), 0);
    places[3] = labelled(tid, 51 * tick_ns - 1, 2); /* is rounded up */
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 2);
    /* the latest, in whatever place */
    places[1] = labelled(tid, 52 * tick_ns, 4);
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 4);
    places[5] = labelled(tid, 53 * tick_ns, 0);
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 0);
    /* unpublished, beyond the last, and never */
    places[5] = labelled(tid, 53 * tick_ns, 3);
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 0);
    places[5] = labelled(tid, 53 * tick_ns, 5);
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 0);
    places[5].labels = 0;
    assert_int_equal(thread_record_labels(&snapshot, tid, 50), 4);
    free(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
