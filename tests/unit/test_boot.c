/* SPDX-License-Identifier: MIT */
/*
 * The bootstrap arena against a map of its bytes: blocks are aligned, zero,
 * apart, inside, and know their size; a request that does not fit costs
 * nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot.h"

static unsigned char taken[BOOT_ARENA_SIZE];

/* Allocates, checks, marks; false when there was no room. */
static bool take(size_t alignment, size_t size)
{
    char *block = boot_alloc(alignment, size);
    size_t at = (size_t)(block - boot_arena);

    if (!block)
        return false;
    assert_true(boot_owns(block));
    assert_int_equal((uintptr_t)block % (alignment < 16 ? 16 : alignment), 0);
    assert_int_equal(boot_size(block), size);
    assert_true(at + size <= BOOT_ARENA_SIZE);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(block[i], 0);
        assert_int_equal(taken[at + i], 0);
    }
    memset(block, 0xff, size);
    memset(taken + at, 1, size);
    return true;
}

static void test_edges(void **state)
{
    (void)state;
    assert_true(boot_owns(boot_arena));
    assert_true(boot_owns(boot_arena + BOOT_ARENA_SIZE - 1));
    assert_false(boot_owns(boot_arena + BOOT_ARENA_SIZE));
    assert_false(boot_owns(boot_arena - 1));
    assert_false(boot_owns(NULL));
}

static void test_too_much(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_false(take(1, BOOT_ARENA_SIZE));
        assert_false(take(1, BOOT_ARENA_SIZE + 1));
        assert_false(take(1, SIZE_MAX));
        assert_false(take(1, SIZE_MAX - 8));
        assert_false(take(BOOT_ARENA_SIZE, 1));
        assert_false(take((size_t)1 << 63, 1));
    }
    assert_true(take(1, 1)); /* after all that */
}

static void test_fill(void **state)
{
    size_t blocks = 0;

    (void)state;
    srandom(1);
    while (take((size_t)1 << random() % 9, (size_t)random() % 700))
        blocks++;
    assert_true(blocks > 60);
    while (take(16, 0))
        blocks++;
    assert_false(take(1, 1));
    print_message("# seed 1, %zu blocks\n", blocks);
}

/* The last of the tests: there is no opening it again. */
static void test_close(void **state)
{
    (void)state;
    assert_false(boot_is_closed());
    assert_true(boot_close());
    assert_true(boot_is_closed());
    assert_false(take(1, 1));
    assert_false(take(1, 0));
    assert_true(boot_close());
    assert_true(boot_owns(boot_arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
