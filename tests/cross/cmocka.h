/* SPDX-License-Identifier: MIT */
/*
 * cmocka.h - the little of cmocka that the walker's tests use, in TAP, for
 * architectures that the build machine has no cmocka for. A failed assertion
 * says where and ends the test, by exit: what comes after it does not run.
 */
#ifndef PREPROF_CROSS_CMOCKA_H
#define PREPROF_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

static int cross_number;
static const char *cross_name;
static jmp_buf cross_skip;

/* clang-format off */
#define cmocka_unit_test(function) {#function, function}
/* clang-format on */
#define cmocka_run_group_tests(tests, set_up, tear_down)                       \
    cross_run(tests, sizeof(tests) / sizeof(*(tests)), set_up)
#define print_message(...) printf(__VA_ARGS__)
#define skip()             longjmp(cross_skip, 1)

#define CROSS_CHECK(condition)                                                 \
    ((condition) ? (void)0 : cross_fail(#condition, __FILE__, __LINE__))
#define assert_true(condition) CROSS_CHECK(condition)
#define fail_msg(...)                                                          \
    (printf("# " __VA_ARGS__), printf("\n"),                                   \
     cross_fail("so", __FILE__, __LINE__))
#define assert_non_null(pointer)     CROSS_CHECK((pointer) != NULL)
#define assert_int_equal(a, b)       CROSS_CHECK((int64_t)(a) == (int64_t)(b))
#define assert_in_range(n, low, top) CROSS_CHECK((n) >= (low) && (n) <= (top))
#define assert_memory_equal(a, b, n) CROSS_CHECK(memcmp(a, b, n) == 0)

static inline void cross_fail(const char *condition, const char *file, int line)
{
    printf("# %s:%d: not %s\nnot ok %d - %s\n", file, line, condition,
           cross_number, cross_name);
    fflush(stdout);
    _Exit(1);
}

static inline int cross_run(const struct CMUnitTest *tests, size_t count,
                            int (*set_up)(void **))
{
    void *state = NULL;

    printf("1..%zu\n", count);
    if (set_up)
        set_up(&state);
    for (size_t i = 0; i < count; i++) {
        cross_number = (int)i + 1;
        cross_name = tests[i].name;
        if (setjmp(cross_skip) == 0) {
            tests[i].run(&state);
            printf("ok %d - %s\n", cross_number, cross_name);
        } else {
            printf("ok %d - %s # SKIP\n", cross_number, cross_name);
        }
    }
    return 0;
}

#endif
