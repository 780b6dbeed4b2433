/* SPDX-License-Identifier: MIT */
/*
 * Sampling: the numbers against libm, the estimate against the truth over 200
 * seeded runs of a known mix of sizes, the filter against the pool.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sample.h"

#define RUNS 200

static void test_numbers(void **state)
{
    (void)state;
    for (double x = 1e-9; x < 100; x *= 1.01) {
        double truth = -expm1(-x);

        assert_true(fabs(sample_one_minus_exp(x) - truth) <= 1e-13 * truth);
    }
    for (double u = 1e-16; u <= 1; u *= 1.01)
        assert_true(fabs(sample_log(u) - log(u)) <=
                    1e-13 * fabs(log(u)) + 1e-15);
}

/* Sizes that no allocator has: the next sample comes no sooner and no later. */
static void test_refused(void **state)
{
    static const size_t sizes[] = {PTRDIFF_MAX, (size_t)1 << 63,
                                   (size_t)3 << 62, SIZE_MAX - 1, SIZE_MAX};
    struct thread thread = {.random = 1};
    uint64_t before;

    (void)state;
    sample_draw(&thread, 65536);
    before = (uint64_t)thread.countdown;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        sample_due(&thread, sizes[i]);
        assert_int_equal(thread.countdown, before);
    }
}

struct mix {
    size_t size;
    int count; /* primes */
};
static const struct mix mixes[] = {
    {1, 20011},   {64, 10007},   {509, 4001},
    {65537, 211}, {1048573, 31}, {67108859, 3},
};
#define MIXES (sizeof(mixes) / sizeof(mixes[0]))

/* One run: adds the estimated objects of each size to estimate[]. */
static void run_once(uint64_t seed, uint64_t mean, double *estimate)
{
    struct thread thread = {.random = seed};

    sample_draw(&thread, mean);
    for (size_t m = 0; m < MIXES; m++) {
        for (int i = 0; i < mixes[m].count; i++) {
            if (!sample_due(&thread, mixes[m].size))
                continue;
            estimate[m] += sample_weight(&thread, mixes[m].size, mean);
            sample_draw(&thread, mean);
        }
    }
}

/* The mean of all runs lies within 4.4 standard errors of the truth: the
 * chance that all six do not is below 1 in 15 000, and the seeds are fixed. */
static void test_unbiased(void **state)
{
    const uint64_t mean = 65536;
    double sum[MIXES] = {0}, squares[MIXES] = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        double estimate[MIXES] = {0};

        run_once(seed * 0x9e3779b97f4a7c15u, mean, estimate);
        for (size_t m = 0; m < MIXES; m++) {
            sum[m] += estimate[m];
            squares[m] += estimate[m] * estimate[m];
        }
    }
    for (size_t m = 0; m < MIXES; m++) {
        double average = sum[m] / RUNS;
        double variance = squares[m] / RUNS - average * average;
        double error = sqrt(variance / RUNS) + 1e-9;

        print_message("# %zu bytes: %.1f of %d, standard error %.2f\n",
                      mixes[m].size, average, mixes[m].count, error);
        assert_true(fabs(average - mixes[m].count) <= 4.4 * error);
    }
}

static void check_false_yes(void)
{
    int at_first = 0, at_last = 0;

    for (uintptr_t i = 0; i < 100000; i++) {
        const void *block = (const void *)(i * 16 + 0x7f0000000000u);

        if (!sample_may_be(block))
            continue;
        at_first++;
        at_last += sample_is_likely(block);
    }
    print_message("# false yes: %d of 100000, %d at last\n", at_first, at_last);
    assert_true(at_first < 100000 / 24);
    assert_true(at_last < 100000 / 128);
}

/* A count that has reached its end stays there. */
static void test_full_count(void **state)
{
    const void *block = (const void *)0x123450;
    const struct sample sample = {1, 1, 1};
    static uint32_t slots[300];

    (void)state;
    assert_int_equal(sample_begin(), 0);
    for (int i = 0; i < 300; i++)
        slots[i] = sample_keep(block, &sample);
    for (int i = 0; i < 300; i++) {
        assert_true(sample_may_be(block) && sample_is_likely(block));
        sample_release(block, slots[i]);
    }
    assert_true(sample_may_be(block));
}

/* After very many live samples a few are told from other blocks as before. */
static void test_after_many(void **state)
{
    enum { MANY = 600000 };
    static uint32_t slots[MANY];
    const struct sample sample = {1, 1, 1};

    (void)state;
    assert_int_equal(sample_begin(), 0);
    for (uintptr_t i = 0; i < MANY; i++) {
        slots[i] = sample_keep((void *)(i * 48 + 0x1000), &sample);
        assert_true(slots[i] < SAMPLE_SLOTS_MAX);
    }
    for (uintptr_t i = 0; i < MANY; i++)
        sample_release((void *)(i * 48 + 0x1000), slots[i]);
    check_false_yes();
}

static void test_pool_and_filter(void **state)
{
    enum { LIVE = 5000 };
    static uint32_t slots[LIVE];

    (void)state;
    assert_int_equal(sample_begin(), 0);
    for (uintptr_t i = 0; i < LIVE; i++) {
        struct sample sample = {i, (uint32_t)i, (uint32_t)i + 8};

        slots[i] = sample_keep((void *)(i * 48 + 0x1000), &sample);
        assert_true(slots[i] < SAMPLE_SLOTS_MAX);
        for (uintptr_t j = 0; j <= i; j += 97)
            assert_true(sample_may_be((void *)(j * 48 + 0x1000)) &&
                        sample_is_likely((void *)(j * 48 + 0x1000)));
        /* In every size: the more live, the larger. */
        if (i == 31 || i == 255 || i == LIVE - 1)
            check_false_yes();
    }
    for (uintptr_t i = 0; i < LIVE; i++) {
        struct sample sample =
            sample_release((void *)(i * 48 + 0x1000), slots[i]);

        assert_int_equal(sample.space, i);
        assert_int_equal(sample.callsite, i + 8);
    }
    for (uintptr_t i = 0; i < LIVE; i++)
        assert_false(sample_may_be((void *)(i * 48 + 0x1000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unbiased),
        cmocka_unit_test(test_pool_and_filter),
        cmocka_unit_test(test_full_count),
        cmocka_unit_test(test_after_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
