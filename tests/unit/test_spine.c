/* SPDX-License-Identifier: MIT */
/*
 * Spine and memo against plain walks: whatever the program did since the last
 * stack, the next one is frame by frame what walk_capture() finds. Stacks come
 * from random calls through functions of many shapes, from longjmp, from two
 * coroutines in turn, and from the counterexample to comparing return
 * addresses alone.
 */
#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "memo.h"
#include "path.h"
#include "spine.h"
#include "walk.h"

#define NOINLINE_  __attribute__((noinline))
#define BARRIER()  __asm__ volatile("" ::: "memory")
#define STACKS_MAX 20000

static struct spine spine;
static struct memo memo;

/* ---- the model --------------------------------------------------------- */

/* Every stack seen; its callsite is its place + 1. */
static struct stack {
    uintptr_t *pcs;
    size_t frames;
} stacks[STACKS_MAX];
static uint32_t stack_count;
static unsigned captures, recalled, refused;

static uint32_t model_callsite(const uintptr_t *pcs, size_t frames)
{
    for (uint32_t i = 0; i < stack_count; i++)
        if (stacks[i].frames == frames &&
            memcmp(stacks[i].pcs, pcs, frames * sizeof(*pcs)) == 0)
            return i + 1;
    assert_true(stack_count < STACKS_MAX);
    stacks[stack_count].pcs = malloc(frames * sizeof(*pcs));
    memcpy(stacks[stack_count].pcs, pcs, frames * sizeof(*pcs));
    stacks[stack_count].frames = frames;
    return ++stack_count;
}

static void model_forget(void)
{
    while (stack_count > 0)
        free(stacks[--stack_count].pcs);
    memo_clear(&memo);
    spine.count = 0;
}

/* A static buffer: the stack below must not hold what the walk remembers. */
static uintptr_t plain[SEGMENT_DEPTH_MAX], found[SEGMENT_DEPTH_MAX];

static void compare(const struct walk_start *start)
{
    unsigned flags;
    size_t frames = walk_capture(start, plain, SEGMENT_DEPTH_MAX, &flags);
    uint32_t callsite = model_callsite(plain, frames);
    uint64_t missed = 0, path = path_start(0, flags & WALK_TRUNCATED);
    const struct memo_entry *known = memo_find(&memo, start, 0, &missed);

    captures++;
    if (known) {
        assert_int_equal(known->callsite, callsite);
        recalled++;
        if (captures % 2) /* else the spine is put to work all the same */
            return;
    }
    if (!spine_walk(&spine, start, 0)) {
        assert_int_equal(spine.count, 0);
        refused++;
        return;
    }
    assert_int_equal(spine.count, frames);
    spine_read(&spine, found);
    assert_memory_equal(found, plain, frames * sizeof(*plain));
    assert_int_equal(spine.truncated, (flags & WALK_TRUNCATED) != 0);
    for (size_t i = frames; i-- > 0;)
        path = path_step(path, plain[i]);
    assert_true(path == spine_path(&spine));
    if (!known)
        memo_learn(&memo, missed, &spine, 0, callsite, NULL);
}

NOINLINE_ static void capture(void)
{
    const struct walk_start start = WALK_START_HERE();

    compare(&start);
    BARRIER();
}

/* ---- random calls ------------------------------------------------------ */

static uint64_t random_state = 1;

static unsigned pick(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

NOINLINE_ static void call(int depth);

/* Several call sites of one function, and leaves at any depth. */
NOINLINE_ static void plain_frame(int depth)
{
    switch (pick(4)) {
    case 0:
        call(depth - 1);
        break;
    case 1:
        capture();
        call(depth - 1);
        break;
    case 2:
        call(depth - 1);
        capture();
        break;
    default:
        call(depth - 2);
    }
    BARRIER();
}

NOINLINE_ static void alloca_frame(int depth)
{
    volatile char *room = alloca(16 + 16 * pick(20));

    room[0] = 1;
    call(depth - 1);
    capture();
    room[1] = room[0];
}

NOINLINE_ static void aligned_frame(int depth)
{
    _Alignas(64) volatile char room[64 + 64];

    room[0] = (char)depth;
    call(depth - 1);
    room[1] = room[0];
}

/* Many live values: the callee-saved registers, rbp among them, hold data. */
NOINLINE_ static void busy_frame(int depth)
{
    unsigned long a = pick(9), b = pick(9), c = pick(9), d = pick(9),
                  e = pick(9), f = pick(9);

    call(depth - 1);
    if (a + b == c)
        capture();
    call(depth - 2);
    BARRIER();
    random_state += a + b * c + d * e + f;
}

NOINLINE_ static void call(int depth)
{
    static void (*const frames[])(int) = {plain_frame, alloca_frame,
                                          aligned_frame, busy_frame};

    if (depth <= 0)
        capture();
    else
        frames[pick(4)](depth);
    BARRIER();
}

static void test_random_calls(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 400; seed++) {
        for (volatile int again = 0; again < 3;
             again++) { /* the memo has its turn */
            random_state = (uint64_t)seed;
            call(9);
        }
        if (stack_count > STACKS_MAX / 2)
            model_forget();
        if (seed % 8 == 0)
            memo_clear(&memo);
    }
    print_message("# %u stacks, %u by the memo, %u beyond the rules\n",
                  captures, recalled, refused);
    assert_true(recalled > captures / 20);
    assert_true(captures - refused > captures / 4);
}

/* ---- recursion --------------------------------------------------------- */

NOINLINE_ static void both_ways(int depth)
{
    capture();
    if (depth > 0) {
        both_ways(depth - 1);
        both_ways(depth - 1);
    }
    BARRIER();
}

NOINLINE_ static void down(int depth)
{
    if (depth > 0)
        down(depth - 1);
    else
        capture();
    BARRIER();
}

static void test_recursion(void **state)
{
    (void)state;
    model_forget();
    both_ways(12); /* every stack is another one */
    both_ways(12);
    for (int depth = 0; depth < 200; depth += 7)
        down(depth);
    refused = 0;
    down(SEGMENT_DEPTH_MAX + 10); /* deeper than a spine */
    assert_int_equal(refused, 1);
    down(SEGMENT_DEPTH_MAX / 2);
    down(3);
    assert_int_equal(refused, 1);
}

/* ---- other stacks ------------------------------------------------------ */

static jmp_buf back;
static void (*volatile jump_next)(int);

NOINLINE_ static void jump_out(int depth)
{
    capture();
    if (depth == 0)
        longjmp(back, 1);
    jump_next(depth - 1);
    BARRIER();
}

NOINLINE_ static void jump_in(int depth)
{
    if (setjmp(back) == 0)
        jump_out(depth);
    capture();
}

static void test_longjmp(void **state)
{
    (void)state;
    model_forget();
    jump_next = jump_out;
    for (int i = 0; i < 100; i++)
        jump_in(i % 13);
}

static ucontext_t contexts[2], outside;
static _Alignas(16) char rooms[2][256 << 10];

NOINLINE_ static void take_turns(int self, int depth)
{
    capture();
    swapcontext(&contexts[self], &contexts[1 - self]);
    capture();
    if (depth > 0)
        take_turns(self, depth - 1);
    BARRIER();
}

static void coroutine(int self)
{
    for (int i = 0; i < 20; i++)
        take_turns(self, 10);
}

static void test_coroutines(void **state)
{
    (void)state;
    model_forget();
    for (int i = 0; i < 2; i++) {
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = rooms[i];
        contexts[i].uc_stack.ss_size = sizeof(rooms[i]);
        contexts[i].uc_link = &outside;
        makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
    }
    swapcontext(&outside, &contexts[0]);
}

/* ---- the counterexample ------------------------------------------------ */

/*
 * go() calls inner() or outer(), both call shared(), which uses alloca. Their
 * frames differ in size, and the rooms are chosen so that the leaf's sp is the
 * same. Then the return addresses of inner()'s stack may all still be in
 * outer()'s uninitialized array, and only rbp tells that they are stale.
 */
static uintptr_t leaf_sp;
static bool only_look;

NOINLINE_ static void leaf(volatile char *room)
{
    const struct walk_start start = WALK_START_HERE();

    leaf_sp = start.sp;
    if (!only_look)
        compare(&start);
    room[0] = 1;
}

NOINLINE_ static void shared(size_t size)
{
    leaf(alloca(size));
    BARRIER();
}

NOINLINE_ static void inner(size_t size)
{
    shared(size);
    BARRIER();
}

NOINLINE_ static void outer(size_t size)
{
    char room[4096];

    __asm__ volatile("" ::"r"(room) : "memory");
    shared(size);
    BARRIER();
}

static void (*volatile const choices[])(size_t) = {inner, outer};

NOINLINE_ static void go(int choice, size_t size)
{
    choices[choice](size);
    BARRIER();
}

static void test_counterexample(void **state)
{
    size_t sizes[2] = {0, 16};
    uintptr_t wanted;

    (void)state;
    model_forget();
    only_look = true;
    go(1, 16);
    wanted = leaf_sp;
    for (size_t size = 16; size < 9000 && !sizes[0]; size += 8) {
        go(0, size);
        if (leaf_sp == wanted)
            sizes[0] = size;
    }
    only_look = false;
    assert_true(sizes[0] != 0);
    for (volatile int i = 0; i < 40; i++)
        go(i / 3 % 2, sizes[i / 3 % 2]);
}

/* After code was replaced the same frames are another stack. */
static void test_remaps(void **state)
{
    const struct walk_start start = WALK_START_HERE();
    uint64_t before;

    (void)state;
    spine.count = 0;
    assert_true(spine_walk(&spine, &start, 0));
    before = spine_path(&spine);
    spine.count = 0;
    assert_true(spine_walk(&spine, &start, 1));
    assert_true(spine_path(&spine) != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_calls),
        cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_longjmp),
        cmocka_unit_test(test_coroutines),
        cmocka_unit_test(test_counterexample),
        cmocka_unit_test(test_remaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
