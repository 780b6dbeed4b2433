/* SPDX-License-Identifier: MIT */
/*
 * The walker against libgcc's unwinder (walk_escape): every frame of every
 * stack equal. The rule cache against cfi_rule().
 */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfi.h"
#include "rules.h"
#include "walk.h"
#include "walk_escape.h"

#define FRAMES_MAX 512
#define NOINLINE_  __attribute__((noinline, noclone))

static int stacks, deepest;

/* Walks twice from its caller and compares. */
NOINLINE_ static void compare(void)
{
    static uintptr_t fast[FRAMES_MAX], slow[FRAMES_MAX];
    struct walk_start start = WALK_START_HERE();
    unsigned fast_flags, slow_flags;
    size_t fast_frames = walk_capture(&start, fast, FRAMES_MAX, &fast_flags);
    size_t slow_frames = walk_escape(&start, slow, FRAMES_MAX, &slow_flags);

    assert_int_equal(fast_frames, slow_frames);
    assert_int_equal(fast_flags, slow_flags);
    assert_memory_equal(fast, slow, fast_frames * sizeof(fast[0]));
    stacks++;
    if ((int)fast_frames > deepest)
        deepest = (int)fast_frames;
}

NOINLINE_ static void with_alloca(size_t size)
{
    volatile char *room = alloca(size);

    room[0] = 1;
    compare();
    room[size - 1] = 1;
}

/* An aligned local beside alloca makes gcc realign the stack (DRAP). */
NOINLINE_ static void with_aligned(size_t size)
{
    _Alignas(128) volatile char aligned[256];
    volatile char *room = alloca(size);

    aligned[0] = room[0] = 1;
    with_alloca(size + 8);
    room[size - 1] = aligned[0];
}

NOINLINE_ static void recurse(int depth)
{
    if (depth == 0)
        compare();
    else
        recurse(depth - 1);
    __asm__ volatile("");
}

static int by_value(const void *a, const void *b)
{
    compare();
    return *(const int *)a - *(const int *)b;
}

static void test_shapes(void **state)
{
    int values[] = {5, 3, 9, 1, 7};

    (void)state;
    for (size_t size = 1; size < 5000; size = size * 3 + 1) {
        with_alloca(size);
        with_aligned(size);
    }
    for (int depth = 0; depth < 100; depth++)
        recurse(depth);
    qsort(values, 5, sizeof(values[0]), by_value);
    print_message("# %d stacks, deepest %d frames\n", stacks, deepest);
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    compare(); /* through the signal frame: an escape */
    handled = 1;
}

static void test_signal(void **state)
{
    (void)state;
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    assert_true(handled);
}

static void test_limit(void **state)
{
    uintptr_t pcs[3];
    struct walk_start start = WALK_START_HERE();
    unsigned flags;

    (void)state;
    assert_int_equal(walk_capture(&start, pcs, 3, &flags), 3);
    assert_int_equal(flags, WALK_TRUNCATED);
    assert_int_equal(pcs[0], start.pc);
}

/* A rule is found again by its exact address only, and forgotten by range. */
static void test_rules(void **state)
{
    uintptr_t pc = (uintptr_t)__builtin_return_address(0);
    uint64_t key = (pc * RULES_ODD) & RULES_KEY_MASK;
    uint32_t rule = rules_get(pc);

    (void)state;
    assert_int_equal(rule, cfi_rule(pc));
    assert_true(rules[key >> 32] == (key << 32 | rule));
    walk_forget(pc + 1, pc + 4096);
    assert_true(rules[key >> 32] == (key << 32 | rule));
    walk_forget(pc - 16, pc + 16);
    assert_true(rules[key >> 32] == 0);
    assert_int_equal(CFI_KIND(cfi_rule(16)), CFI_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
