/* SPDX-License-Identifier: MIT */
/*
 * The walker, by rules and with all registers, against libgcc's unwinder:
 * every frame of every stack equal. Guesses against what is known of the code.
 * The rule cache against cfi_rule().
 */
#include <alloca.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "cfi.h"
#include "guess.h"
#include "rules.h"
#include "unwind_oracle.h"
#include "walk.h"
#include "walk_asm.h"
#include "walk_escape.h"

#define FRAMES_MAX 512
#define NOINLINE_  __attribute__((noinline))

static int stacks, deepest;

/* Walks from its caller in all ways and compares. */
NOINLINE_ static void compare(void)
{
    static uintptr_t fast[FRAMES_MAX], slow[FRAMES_MAX], right[FRAMES_MAX];
    struct walk_start start = WALK_START_HERE();
    unsigned fast_flags, slow_flags;
    size_t fast_frames = walk_capture(&start, fast, FRAMES_MAX, &fast_flags);
    size_t slow_frames = walk_escape(&start, slow, FRAMES_MAX, &slow_flags);
    size_t frames = unwind_oracle(start.pc, start.sp, right, FRAMES_MAX);

    assert_int_equal(fast_flags, WALK_COMPLETE);
    assert_int_equal(slow_flags, WALK_COMPLETE);
    assert_int_equal(fast_frames, frames);
    assert_int_equal(slow_frames, frames);
    assert_memory_equal(fast, right, frames * sizeof(fast[0]));
    assert_memory_equal(slow, right, frames * sizeof(slow[0]));
    stacks++;
    if ((int)frames > deepest)
        deepest = (int)frames;
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
    compare();
    handled = 1;
}

static void test_signal(void **state)
{
    static char room[64 << 10];
    stack_t alternate = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_handler = on_signal};

    (void)state;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    assert_true(handled);
    handled = 0;
    sigaltstack(&alternate, NULL);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    assert_true(handled);
}

/* What was interrupted is exact, and its rule is that of the instruction. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    static uintptr_t walked[FRAMES_MAX], right[FRAMES_MAX];
    ucontext_t *interrupted = context;
    uintptr_t pc = (uintptr_t)CONTEXT_PC(interrupted);
    unsigned flags;
    size_t frames =
        walk_capture_context(interrupted, walked, FRAMES_MAX, &flags);

    (void)number, (void)info;
    assert_int_equal(flags, WALK_COMPLETE);
    assert_true(walked[0] == (pc | WALK_FRAME_EXACT));
    assert_int_equal(unwind_oracle(pc, 0, right, FRAMES_MAX), frames);
    assert_memory_equal(walked, right, frames * sizeof(walked[0]));
    compare();
    CONTEXT_PC(interrupted) += FAULT_SIZE;
    handled = 1;
}

static void test_fault(void **state)
{
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO};

    (void)state;
    handled = 0;
    sigaction(SIGILL, &action, NULL);
    call_faulting();
    assert_true(handled);
    sigaction(SIGILL, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* ---- guesses ----------------------------------------------------------- */

static unsigned guessed_flags;
static size_t guessed_frames;
static uintptr_t guessed[FRAMES_MAX];

NOINLINE_ static void capture_guessed(void)
{
    struct walk_start start = WALK_START_HERE();

    guessed_frames = walk_capture(&start, guessed, FRAMES_MAX, &guessed_flags);
}

NOINLINE_ static void check_framed(void)
{
    static uintptr_t right[FRAMES_MAX];
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    size_t frames = unwind_oracle(caller, 0, right, FRAMES_MAX), i;

    call_framed(capture_guessed);
    assert_int_equal(guessed_flags, WALK_GUESSED);
    assert_int_equal(guessed_frames, frames + 2);
    assert_true(guessed[0] == (uintptr_t)framed_return);
    assert_true(guessed[1] & WALK_FRAME_GUESSED);
    for (i = 0; i < frames; i++)
        assert_true(WALK_FRAME_PC(guessed[i + 2]) == right[i]);
}

static void *check_framed_in_thread(void *unused)
{
    check_framed();
    return unused;
}

static void test_guess(void **state)
{
    pthread_t thread;

    (void)state;
    check_framed();
    assert_int_equal(
        pthread_create(&thread, NULL, check_framed_in_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* No rbp makes a guess read what is not stack, or run away. */
static void test_guess_refused(void **state)
{
    static uintptr_t heap[4];
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t end = guess_stack_end(here);
    uintptr_t wrong[] = {
        0,   1,       8,       (uintptr_t)heap, here - 65536,
        end, end - 8, end + 8, UINTPTR_MAX,     UINTPTR_MAX - 7};
    uint64_t random = 1;

    (void)state;
    assert_true(end > here);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        call_bare(capture_guessed, wrong[i]);
        assert_int_equal(guessed_flags, WALK_TRUNCATED);
        assert_int_equal(guessed_frames, 1);
    }
#ifdef __SANITIZE_ADDRESS__
    skip(); /* what is read then may lie between two variables */
#endif
    for (int i = 0; i < 20000; i++) { /* anything on the stack is survived */
        random = random * 6364136223846793005u + 1442695040888963407u;
        call_bare(capture_guessed, here - 512 + (random >> 20) % (end - here));
        assert_true(guessed_frames >= 1 && guessed_frames <= FRAMES_MAX);
    }
}

/* ---- fibers ------------------------------------------------------------ */

static ucontext_t fiber, outside;

static void on_fiber(void)
{
    with_aligned(40);
    swapcontext(&fiber, &outside);
}

static void run_fiber(void (*function)(void), void *room, size_t size)
{
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = room;
    fiber.uc_stack.ss_size = size;
    fiber.uc_link = &outside;
    makecontext(&fiber, function, 0);
    swapcontext(&outside, &fiber);
}

/* It ends where makecontext() let it begin, whether it returns or not. */
static void test_fiber(void **state)
{
    static char room[64 << 10];
    int before = stacks;

    (void)state;
    run_fiber(on_fiber, room, sizeof(room));
    assert_int_equal(stacks, before + 1);
}

/* A fiber's stack is not known, whatever rbp says. */
static void guess_on_fiber(void)
{
    call_framed(capture_guessed);
    swapcontext(&fiber, &outside);
}

static void test_guess_on_fiber(void **state)
{
    size_t size = 64 << 10;
    char *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    run_fiber(guess_on_fiber, room, size);
    assert_int_equal(guessed_flags, WALK_TRUNCATED);
    assert_int_equal(guessed_frames, 1);
    munmap(room, size);
}

/* On a stack that is not known the kernel is asked, and where the tables are
 * wrong about an instruction nothing is read that cannot be. */
static void test_context_unreadable(void **state)
{
    ucontext_t context;
    char *room = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    mprotect(room + 4096, 4096, PROT_NONE);
    getcontext(&context);
    for (int i = 0; i < 16; i++) {
        CONTEXT_SP(&context) = (uintptr_t)room + 4096u - 8u * (unsigned)i;
        CONTEXT_BP(&context) = (uintptr_t)room + 4096u - 4u * (unsigned)i;
        CONTEXT_PC(&context) = (uintptr_t)compare + (unsigned)i;
        /* Two frames where the return address is in a register. */
        assert_in_range(
            walk_capture_context(&context, guessed, FRAMES_MAX, &guessed_flags),
            1, 2);
        CONTEXT_PC(&context) = (uintptr_t)guessed; /* no code */
        assert_int_equal(
            walk_capture_context(&context, guessed, FRAMES_MAX, &guessed_flags),
            1);
        assert_true(guessed_flags & WALK_TRUNCATED);
    }
    munmap(room, 8192);
}

/* ---- how much stack ---------------------------------------------------- */

#define PAINT 0x5a

static char painted[64 << 10] __attribute__((aligned(16)));
static size_t used;

NOINLINE_ static void escape_from_here(void)
{
    struct walk_start start = WALK_START_HERE();
    unsigned flags;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    memset(painted, PAINT, here - (uintptr_t)painted - 256);
    assert_true(walk_escape(&start, guessed, FRAMES_MAX, &flags) >= 2);
    for (used = 0; painted[used] == PAINT; used++)
        ;
    used = here - (uintptr_t)(painted + used);
}

static void on_painted(void)
{
    escape_from_here();
    swapcontext(&fiber, &outside);
}

/* Of what a compiler optimized and nothing instrumented. */
static void test_stack_use(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    run_fiber(on_painted, painted, sizeof(painted));
    print_message("# %zu bytes of stack\n", used);
    assert_in_range(used, 256, 1536);
}

/* ---- limits and rules -------------------------------------------------- */

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
    const uint64_t *slot = &rules[rules_slot(pc)];
    uint32_t rule = rules_get(pc);
    uint64_t word = (uint64_t)rules_tag(pc) << 32 | rule;

    (void)state;
    assert_int_equal(rule, cfi_rule(pc));
    assert_true(*slot == word);
    walk_forget(pc + 1, pc + 4096);
    assert_true(*slot == word);
    walk_forget(pc - 16, pc + 16);
    assert_true(*slot == 0);
    assert_int_equal(CFI_KIND(cfi_rule(16)), CFI_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_guess_refused),
        cmocka_unit_test(test_fiber),
        cmocka_unit_test(test_guess_on_fiber),
        cmocka_unit_test(test_context_unreadable),
        cmocka_unit_test(test_stack_use),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
