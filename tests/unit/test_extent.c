/* SPDX-License-Identifier: MIT */
/*
 * Handing out extents: each empty, entered in the table as what it is, apart
 * from all others; a full segment refuses, counts, and is asked again at every
 * power of two of refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "extent.h"
#include "own_life.h"

#define ROOM 9u

static void test_take(void **state)
{
    void *slots[ROOM] = {NULL};

    (void)state;
    own_life_begin(ROOM);
    for (uint32_t i = 0; i < ROOM; i++) {
        enum segment_extent_type type = 1 + i % 5;
        char *extent = extent_get(&slots[i], type, i * 7, i * 1000003);

        assert_ptr_equal(extent,
                         life->extents + (size_t)i * SEGMENT_EXTENT_SIZE);
        assert_ptr_equal(slots[i], extent);
        assert_ptr_equal(extent_get(&slots[i], type, i * 7, 0), extent);
        for (uint32_t j = 0; j < SEGMENT_EXTENT_SIZE; j++)
            assert_int_equal(extent[j], 0);
        memset(extent, 0xff, SEGMENT_EXTENT_SIZE);
    }
    for (uint32_t i = 0; i < ROOM; i++) {
        assert_int_equal(SEGMENT_EXTENT_TYPE(life->table[i]), 1 + i % 5);
        assert_int_equal(SEGMENT_EXTENT_OWNER(life->table[i]), i * 7);
        assert_int_equal(SEGMENT_EXTENT_BASE(life->table[i]), i * 1000003);
    }
    assert_int_equal(life->table[ROOM], 0);
    assert_int_equal(life->header->extents_used, ROOM);
}

static void test_full(void **state)
{
    void *slot;

    (void)state;
    own_life_begin(ROOM);
    for (uint32_t i = 0; i < ROOM; i++) {
        slot = NULL;
        assert_non_null(extent_get(&slot, SEGMENT_EXTENT_NODES, 0, i));
    }
    for (int i = 1; i <= 20; i++) {
        slot = NULL;
        assert_null(extent_get(&slot, SEGMENT_EXTENT_NODES, 0, ROOM));
        assert_null(slot);
        assert_int_equal(life->header->losses[SEGMENT_LOSS_NO_ROOM], i);
    }
    assert_int_equal(life->header->extents_used, ROOM);

    /* Room again: not seen at once, but by the 32nd refusal. */
    life->header->extents_max = ROOM - 1;
    life->header->extents_used = ROOM - 2;
    slot = NULL;
    for (int i = 20; i < 32; i++)
        assert_null(extent_get(&slot, SEGMENT_EXTENT_NODES, 0, ROOM));
    assert_non_null(extent_get(&slot, SEGMENT_EXTENT_NODES, 0, ROOM));
}

/* Behind the mapping no page can be made: a full tmpfs looks like that. */
static void test_no_pages(void **state)
{
    void *slot = NULL;
    char *behind;

    (void)state;
    own_life_begin(ROOM);
    behind = life->extents + SEGMENT_EXTENT_SIZE;
    assert_int_equal(munmap(behind, (ROOM - 1) * SEGMENT_EXTENT_SIZE), 0);
    assert_non_null(extent_get(&slot, SEGMENT_EXTENT_NODES, 0, 0));
    slot = NULL;
    assert_null(extent_get(&slot, SEGMENT_EXTENT_NODES, 0, 1));
    assert_int_equal(life->header->extents_used, 1);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_NO_ROOM], 1);
    own_life_size = SEGMENT_EXTENTS_OFFSET + SEGMENT_EXTENT_SIZE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_no_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
