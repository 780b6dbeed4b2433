/* SPDX-License-Identifier: MIT */
/*
 * test_waiter.c - who waits for which lock.
 *
 * Goal: every moment of a wait is charged once, to the first release after it.
 * Method: random waits and releases of more locks than there are homes, so
 * that they share them, against a model that is a list. A thread that ends in
 * the middle of a wait is a thread that ends in the middle of a wait.
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
#include "waiter.h"

#define LOCKS   3000
#define WAITERS 200
#define STEPS   200000

static char locks[LOCKS];

struct model_waiter {
    struct waiter *waiter;
    int lock;
    uint64_t since;
};

static int begin(void **state)
{
    (void)state;
    own_life_begin(8);
    return waiter_begin();
}

static void check_charge(struct model_waiter *model, int lock, uint64_t now)
{
    struct waiter_charge got = waiter_charge(&locks[lock], now),
                         wanted = {0, 0};

    for (int i = 0; i < WAITERS; i++) {
        if (!model[i].waiter || model[i].lock != lock)
            continue;
        wanted.waiters++;
        wanted.delay_ns += now - model[i].since;
        model[i].since = now;
    }
    assert_int_equal(got.waiters, wanted.waiters);
    assert_int_equal(got.delay_ns, wanted.delay_ns);
    if (wanted.waiters)
        assert_true(waiter_exists(&locks[lock]));
}

static void test_model(void **state)
{
    (void)state;
    static struct model_waiter model[WAITERS];
    uint64_t now = 1000;

    srand(3);
    for (int step = 0; step < STEPS; step++) {
        struct model_waiter *one = &model[rand() % WAITERS];

        now += 1 + (uint64_t)rand() % 100;
        if (one->waiter && rand() % 2) {
            waiter_leave(one->waiter);
            one->waiter = NULL;
        } else if (!one->waiter) {
            one->lock = rand() % (rand() % 2 ? 5 : LOCKS);
            one->since = now;
            one->waiter = waiter_enter(&locks[one->lock], now);
            assert_true(one->waiter ||
                        life->header->losses[SEGMENT_LOSS_WAITERS_FULL]);
        }
        now++;
        check_charge(model, rand() % 2 ? one->lock : rand() % LOCKS, now);
    }
    for (int i = 0; i < WAITERS; i++)
        if (model[i].waiter)
            waiter_leave(model[i].waiter);
    for (int i = 0; i < LOCKS; i++)
        assert_false(waiter_exists(&locks[i]));
}

static void *wait_and_end(void *lock)
{
    assert_non_null(waiter_enter(lock, 1));
    return NULL;
}

static void test_dead_waiter(void **state)
{
    (void)state;
    const uint64_t in_doubt = 1 + WAITER_DOUBTED_AFTER_NS + 1;
    struct waiter *mine = waiter_enter(&locks[1], 1);
    struct waiter_charge charge;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, wait_and_end, &locks[1]), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    charge = waiter_charge(&locks[1], 11); /* not in doubt yet */
    assert_int_equal(charge.waiters, 2);
    assert_int_equal(charge.delay_ns, 10 + 10);
    charge = waiter_charge(&locks[1], in_doubt);
    assert_int_equal(charge.waiters, 1);
    assert_int_equal(charge.delay_ns, in_doubt - 11);
    waiter_leave(mine);
    assert_false(waiter_exists(&locks[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_model, begin),
        cmocka_unit_test_setup(test_dead_waiter, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
