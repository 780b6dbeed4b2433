/* SPDX-License-Identifier: MIT */
/*
 * test_string_set.c - one copy of each string, at an address that stays.
 *
 * Method: thousands of strings, then asked for again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "string_set.h"

static void test_string_set(void **state)
{
    (void)state;
    enum { COUNT = 5003 };
    struct string_set *set = string_set_new();
    const char *kept[COUNT];
    char text[32];
    for (int i = 0; i < COUNT; i++) {
        int length = snprintf(text, sizeof(text), "%d", i * 7);
        kept[i] = string_set_add(set, text, (size_t)length);
    }
    for (int i = 0; i < COUNT; i++) {
        int length = snprintf(text, sizeof(text), "%d", i * 7);
        assert_string_equal(kept[i], text);
        assert_ptr_equal(string_set_add(set, text, (size_t)length), kept[i]);
    }
    static char large[200000];
    memset(large, 'x', sizeof(large));
    const char *copy = string_set_add(set, large, sizeof(large));
    assert_int_equal(strlen(copy), sizeof(large));
    assert_string_equal(string_set_add(set, "", 0), "");
    string_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_string_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
