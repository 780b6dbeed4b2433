/* SPDX-License-Identifier: MIT */
/*
 * test_symbol_ranges.c - which range an address is in, against a search of all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "symbol_ranges.h"

/* Against a search of all ranges; disjoint ones, as code is. */
static void test_ranges(void **state)
{
    (void)state;
    enum { COUNT = 199 };
    struct symbol_ranges set = {0};
    struct symbol_range model[COUNT];
    srand(7);
    uint64_t at = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        at += (uint64_t)rand() % 5;
        model[i] = (struct symbol_range){at, at + 1 + (uint64_t)rand() % 9, i};
        at = model[i].end;
    }
    for (size_t i = 0; i < COUNT; i++) /* in another order */
        assert_true(symbol_ranges_add(&set, model[i * 23 % COUNT]));
    symbol_ranges_settle(&set);
    for (uint64_t address = 0; address < at + 5; address++) {
        const struct symbol_range *found = symbol_ranges_find(&set, address);
        const struct symbol_range *right = NULL;
        for (size_t i = 0; i < COUNT; i++)
            if (address >= model[i].start && address < model[i].end)
                right = &model[i];
        assert_int_equal(found != NULL, right != NULL);
        if (found != NULL)
            assert_int_equal(found->owner, right->owner);
    }
    symbol_ranges_free(&set);
    assert_null(symbol_ranges_find(&set, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
