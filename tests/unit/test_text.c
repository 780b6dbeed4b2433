/* SPDX-License-Identifier: MIT */
/*
 * Texts against snprintf, in buffers of every size; numbers against strtoull.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static const uint64_t numbers[] = {
    0,          1, 9, 10, 99, 100, 4095, UINT32_MAX, INT64_MAX, UINT64_MAX - 1,
    UINT64_MAX,
};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void test_cut(void **state)
{
    (void)state;
    for (size_t size = 1; size < 64; size++)
        for (size_t i = 0; i < NUMBERS; i++) {
            char bytes[80], expected[80];
            struct text text;

            memset(bytes, '#', sizeof(bytes));
            text = text_in(bytes, size);
            assert_string_equal(bytes, "");
            text_string(&text, "a longer word ");
            text_number(&text, numbers[i]);
            text_char(&text, '!');
            text_string(&text, "");
            snprintf(expected, size, "a longer word %" PRIu64 "!", numbers[i]);
            assert_string_equal(bytes, expected);
            assert_int_equal(text.length, strlen(expected));
            for (size_t j = size; j < sizeof(bytes); j++)
                assert_int_equal(bytes[j], '#'); /* nothing written behind */
        }
}

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++) {
        char bytes[32];
        const char *cursor = bytes;
        uint64_t number = 0;

        snprintf(bytes, sizeof(bytes), "000%" PRIu64 "x", numbers[i]);
        assert_int_equal(text_parse_number(&cursor, &number), 0);
        assert_true(number == numbers[i]);
        assert_string_equal(cursor, "x");
    }
}

static void test_parse_refuses(void **state)
{
    /* clang-format off */
    static const char *const bad[] = {
        "", "x", "-1", "+1", " 1", "18446744073709551616",
        "99999999999999999999999",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *cursor = bad[i];
        uint64_t number = 7;

        assert_int_equal(text_parse_number(&cursor, &number), -EINVAL);
        assert_ptr_equal(cursor, bad[i]);
        assert_true(number == 7);
    }
}

static void test_base_name(void **state)
{
    (void)state;
    assert_string_equal(text_base_name(""), "");
    assert_string_equal(text_base_name("a"), "a");
    assert_string_equal(text_base_name("/a"), "a");
    assert_string_equal(text_base_name("x/y/z.so.1"), "z.so.1");
    assert_string_equal(text_base_name("x/"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_base_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
