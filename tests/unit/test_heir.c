/* SPDX-License-Identifier: MIT */
/*
 * test_heir.c - threads that begin with their creator's labels.
 *
 * Goal: an heir has its creator's labels as they were when it was created, runs
 * what it was given, and leaves its slot; without labels there is none; past
 * HEIRS_MAX the rest is counted. Method: heirs made and begun here, in threads
 * that all create at once, and in a forked child.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "heir.h"
#include "label.h"
#include "own_life.h"

#define THREADS 4
#define HEIRS   300

static void run(void)
{
}

/* The one life of this process: the tables outside the segment stay. */
static int begin(void **state)
{
    (void)state;
    own_life_begin(64);
    thread_self.epoch = life->epoch;
    return 0;
}

static uint64_t lost(void)
{
    return life->header->losses[SEGMENT_LOSS_HEIRS_FULL];
}

static void test_none(void **state)
{
    (void)state;
    assert_null(heir_make(run, NULL));
    assert_int_equal(lost(), 0);
}

/* As one of interpose_thread.c begins; what it finds is its value. */
static void *begin_heir(void *slot)
{
    struct heir *heir = slot;
    void *argument = heir->argument;

    assert_ptr_equal(heir->run, run);
    thread_self.epoch = life->epoch;
    assert_int_equal(label_current(), 0);
    heir_begin(heir);
    return *(uint32_t *)argument == label_current() ? argument : NULL;
}

static void *create(void *name)
{
    thread_self.epoch = life->epoch;
    for (int i = 0; i < HEIRS; i++) {
        char value[16];
        pthread_t thread;
        struct heir *heir;
        uint32_t set;
        void *found;

        snprintf(value, sizeof(value), "%d", i % 7);
        assert_int_equal(label_set(name, value), 0);
        set = label_current();
        heir = heir_make(run, &set);
        assert_non_null(heir);
        assert_int_equal(pthread_create(&thread, NULL, begin_heir, heir), 0);
        assert_int_equal(label_set(name, "changed"), 0);
        pthread_join(thread, &found);
        assert_ptr_equal(found, &set);
    }
    return NULL;
}

static void test_heirs(void **state)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, create, names[i]),
                         0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(lost(), 0);
}

static void test_full(void **state)
{
    static struct heir *heirs[HEIRS_MAX];
    int status;

    (void)state;
    assert_int_equal(label_set("k", "v"), 0);
    for (unsigned i = 0; i < HEIRS_MAX; i++) {
        heirs[i] = heir_make(run, &heirs[i]);
        assert_non_null(heirs[i]);
    }
    assert_null(heir_make(run, NULL));
    assert_null(heir_make(run, NULL));
    assert_int_equal(lost(), 2);
    for (unsigned i = 0; i < HEIRS_MAX; i++)
        assert_ptr_equal(heirs[i]->argument, &heirs[i]);
    /* A child has none of the threads that the slots wait for. */
    if (fork() == 0)
        _exit(heir_make(run, NULL) ? 0 : 1);
    wait(&status);
    assert_int_equal(status, 0);
    heir_drop(heirs[4]);
    assert_ptr_equal(heir_make(run, NULL), heirs[4]);
    assert_null(heir_make(run, NULL));
    for (unsigned i = 0; i < HEIRS_MAX; i++)
        heir_drop(heirs[i]);
    assert_int_equal(lost(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_heirs),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
