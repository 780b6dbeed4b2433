/* SPDX-License-Identifier: MIT */
/*
 * What a walk says of a frame (walk.h) is what the segment says of its node:
 * interrupted, guessed, cut off. The same addresses without it are another
 * stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "callsite.h"
#include "module.h"
#include "own_life.h"
#include "shard.h"
#include "walk.h"

#define IDS_MAX 64

static void test_marks(void **state)
{
    uintptr_t plain[] = {0x1000, 0x2000, 0x3000}, pcs[3];
    uintptr_t marked[] = {0x1000 | WALK_FRAME_EXACT,
                          0x2000 | WALK_FRAME_GUESSED, 0x3000};
    uint16_t flags[] = {SEGMENT_NODE_EXACT_PC, SEGMENT_NODE_GUESSED,
                        SEGMENT_NODE_TRUNCATED};
    uint32_t id = callsite_intern(marked, 3, 1);
    uint32_t node = own_life_callsite(id)->node;

    (void)state;
    assert_int_equal(own_life_stack(id, pcs, 3), 3);
    assert_memory_equal(pcs, plain, sizeof(plain));
    for (int i = 0; i < 3; i++, node = own_life_node(node)->parent)
        assert_int_equal(own_life_node(node)->flags, flags[i]);
    assert_int_equal(callsite_intern(marked, 3, 1), id);
    assert_true(callsite_intern(plain, 3, 1) != id);
    assert_true(callsite_intern(marked, 3, 0) != id);
}

static int begin(void **state)
{
    (void)state;
    own_life_begin(64);
    return shard_begin() || module_reset() || callsite_begin(IDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
