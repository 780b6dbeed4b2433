/* SPDX-License-Identifier: MIT */
/*
 * test_creation.c - by which stacks threads were created, as it is filed.
 *
 * Goal: a thread has the stack that created it or none, whatever had its id or
 * its place before. Method: creation_file() of this very thread, over places
 * whose holders live or have ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "own_life.h"

#include "creation.h"
#include "extent.h"
#include "real_thread.h"

#define CALLSITE 4711u

static struct segment_thread *place_of(uint32_t tid)
{
    return own_life_element(
        SEGMENT_EXTENT_THREADS, 0, tid % SEGMENT_THREADS_MAX,
        SEGMENT_THREADS_PER_EXTENT, sizeof(struct segment_thread));
}

static void file_self(uint32_t callsite)
{
    pthread_t self = pthread_self();

    creation_file(&self, callsite);
}

static uint64_t boottime_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A life whose table of threads is all there. */
static void begin(void)
{
    own_life_begin(8);
    for (uint32_t i = 0; i < SEGMENT_THREADS_MAX / SEGMENT_THREADS_PER_EXTENT;
         i++)
        assert_non_null(extent_get((void **)&life->threads[i],
                                   SEGMENT_EXTENT_THREADS, 0,
                                   i * SEGMENT_THREADS_PER_EXTENT));
}

/* An id that no thread has: that of a child which has been waited for. */
static uint32_t ended_tid(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return (uint32_t)child;
}

static void test_file(void **state)
{
    uint32_t tid = (uint32_t)gettid();
    uint64_t before = boottime_ns();

    (void)state;
    own_life_begin(8);
    file_self(0);
    assert_int_equal(life->header->extents_used, 0);
    file_self(CALLSITE);
    assert_true(place_of(tid)->who == SEGMENT_THREAD_WHO(tid, CALLSITE));
    assert_in_range(place_of(tid)->created_ns, before, boottime_ns());

    place_of(tid)->labels = 7; /* which the thread may have written already */
    file_self(CALLSITE + 1);
    assert_true(place_of(tid)->who == SEGMENT_THREAD_WHO(tid, CALLSITE + 1));
    assert_int_equal(place_of(tid)->labels, 7);
}

/* One that is gone as a joined one is: its descriptor is not there. */
static void test_file_gone(void **state)
{
    pthread_t nowhere = (pthread_t)4096;

    (void)state;
    own_life_begin(8);
    creation_file(&nowhere, CALLSITE);
    creation_file((const pthread_t *)4096, CALLSITE);
    assert_int_equal(life->header->extents_used, 0);
}

static void test_places(void **state)
{
    uint32_t tid = (uint32_t)gettid(), gone = ended_tid();

    (void)state;
    begin();
    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++) {
        place_of(tid + i)->who = SEGMENT_THREAD_WHO(gone, 1);
        place_of(tid + i)->labels = 7;
    }
    file_self(CALLSITE);
    assert_true(place_of(tid)->who == SEGMENT_THREAD_WHO(tid, CALLSITE));
    assert_int_equal(place_of(tid)->labels, 0);
    assert_true(place_of(tid + 1)->who == SEGMENT_THREAD_WHO(gone, 1));
    assert_int_equal(life->header->losses[SEGMENT_LOSS_THREADS_FULL], 0);
}

static void *fill_and_file(void *other)
{
    uint32_t tid = (uint32_t)gettid(), living = *(uint32_t *)other;

    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++)
        place_of(tid + i)->who = SEGMENT_THREAD_WHO(living, 1);
    file_self(CALLSITE);
    return NULL;
}

/* Nobody who lives loses a place. */
static void test_full(void **state)
{
    uint32_t living = (uint32_t)gettid();
    pthread_t thread;

    (void)state;
    begin();
    assert_int_equal(pthread_create(&thread, NULL, fill_and_file, &living), 0);
    pthread_join(thread, NULL);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_THREADS_FULL], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_gone),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_full),
    };

    real_thread_resolve();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
