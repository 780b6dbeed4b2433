/* SPDX-License-Identifier: MIT */
/*
 * A walk at every instruction: the processor traps after each one, and the
 * handler walks from where it was. What is right is known from the calls and
 * returns that were executed, not from any unwind table: the model is a shadow
 * stack. Through prologues and epilogues, alloca, realigned stacks, tail
 * calls, lazy binding, libc's assembly and the kernel's vDSO.
 *
 * A tracer would see no more: it, too, gets the registers at each instruction
 * boundary, and would have to ask a model that is right about each. This walks
 * with the code that walks in programs, on the stack that it walks, where a
 * tracer's copy would need another reader of memory.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include <cmocka.h>

#include "fde.h"
#include "stepper.h"
#include "unwind_oracle.h"
#include "walk.h"

#define FRAMES_MAX 256
#define NOINLINE_  __attribute__((noinline))

/* ---- the model --------------------------------------------------------- */

static uintptr_t shadow[FRAMES_MAX]; /* root first */
static size_t depth;
static bool stepping, begun;
static unsigned long steps, calls, bare, wrong;
static char first_wrong[256];

static void begin_model(uintptr_t pc)
{
    uintptr_t frames[FRAMES_MAX];
    size_t count = unwind_oracle(pc, 0, frames, FRAMES_MAX);

    for (depth = 0; depth + 1 < count; depth++)
        shadow[depth] = frames[count - 1 - depth];
}

static void compare(const ucontext_t *context, uintptr_t pc)
{
    static uintptr_t frames[FRAMES_MAX];
    unsigned flags;
    size_t count = walk_capture_context(context, frames, FRAMES_MAX, &flags), i;

    for (i = 1; i < count && i <= depth && frames[i] == shadow[depth - i]; i++)
        ;
    if (count == depth + 1 && i == count && flags == WALK_COMPLETE &&
        frames[0] == (pc | WALK_FRAME_EXACT))
        return;
    if (wrong++ == 0) {
        Dl_info info = {0};

        dladdr((void *)pc, &info);
        snprintf(first_wrong, sizeof(first_wrong),
                 "at %s+0x%zx in %s: frame %zu of %zu, %zu are right, flags %u",
                 info.dli_sname ? info.dli_sname : "?",
                 (size_t)(pc - (uintptr_t)(info.dli_sname ? info.dli_saddr
                                                          : info.dli_fbase)),
                 info.dli_fname, i, count, depth + 1, flags);
    }
}

/* aarch64's linker gives its stubs no unwind tables: what is walked from there
 * is a guess. */
static bool has_tables(uintptr_t pc)
{
    struct fde fde;

    return fde_find(pc, &fde) == FDE_FOUND;
}

static void on_step(int number, siginfo_t *info, void *data)
{
    ucontext_t *context = data;
    uintptr_t pc = stepper_pc(context);
    enum stepper_did did = stepper_next(context);

    (void)number, (void)info;
    if (!begun) {
        begin_model(pc);
        begun = true;
    } else if (did == STEPPER_CALLED) {
        shadow[depth++] = stepper_return_address(context);
        calls++;
    } else if (did == STEPPER_RETURNED) {
        depth--;
    }
    steps++;
    if (has_tables(pc))
        compare(context, pc);
    else
        bare++;
    stepper_more(context);
}

/* Begins or ends stepping: libc's raise() is stepped, too. */
static void on_switch(int number, siginfo_t *info, void *data)
{
    (void)number, (void)info;
    stepping = !stepping;
    if (stepping)
        stepper_begin(data);
    else
        stepper_end(data);
}

static void check(void (*function)(void))
{
    steps = calls = bare = wrong = 0;
    begun = false;
    raise(SIGUSR1);
    function();
    raise(SIGUSR1);
    print_message("# %lu steps, %lu calls, %lu steps in code without tables\n",
                  steps, calls, bare);
    if (wrong)
        fail_msg("%lu wrong, the first %s", wrong, first_wrong);
    assert_true(calls > 0 && steps > calls);
#if defined(__x86_64__)
    assert_int_equal(bare, 0);
#else
    assert_true(bare < steps / 20);
#endif
}

static int set_up(void **state)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};

    (void)state;
    action.sa_sigaction = on_step;
    sigaction(SIGTRAP, &action, NULL);
    action.sa_sigaction = on_switch;
    sigaction(SIGUSR1, &action, NULL);
    return 0;
}

/* ---- what is stepped --------------------------------------------------- */

static volatile unsigned long sink;

NOINLINE_ static unsigned long leaf(unsigned long x)
{
    __asm__ volatile("");
    return x * 3;
}

NOINLINE_ static unsigned long many_registers(unsigned long x)
{
    unsigned long a = leaf(x), b = leaf(a), c = leaf(b), d = leaf(c),
                  e = leaf(d), f = leaf(e);

    return a + b * leaf(f) + c + d + e * f;
}

NOINLINE_ static unsigned long with_alloca(size_t size)
{
    volatile char *room = alloca(size);

    room[0] = 1;
    sink = leaf(size);
    return (unsigned long)room[0];
}

NOINLINE_ static unsigned long realigned(size_t size)
{
    _Alignas(64) volatile char aligned[128];
    volatile char *room = alloca(size);

    aligned[0] = room[0] = 1;
    sink = with_alloca(size + 24) + many_registers(size);
    return (unsigned long)(room[0] + aligned[0]);
}

NOINLINE_ static unsigned long tail(unsigned long x)
{
    sink = leaf(x);
    __asm__ volatile("");
    return many_registers(x + 1);
}

NOINLINE_ static unsigned long recurse(unsigned long x)
{
    if (x == 0)
        return realigned(40);
    return recurse(x - 1) + 1;
}

static void call_shapes(void)
{
    for (size_t i = 0; i < 4; i++)
        sink = tail(i) + with_alloca(i * 40 + 8) + realigned(i * 24 + 8) +
               recurse(i * 5);
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void call_libc(void)
{
    int values[] = {5, 3, 9, 1, 7, 2};
    char text[64], copy[4096];
    struct timespec now;

    qsort(values, 6, sizeof(values[0]), by_value);
    snprintf(text, sizeof(text), "%d %s %5.2f", values[0], "text", 1.25);
    memset(copy, 'x', sizeof(copy));
    memmove(copy + 1, copy, sizeof(copy) - 1);
    copy[sizeof(copy) - 1] = 0;
    sink = strlen(copy) + (unsigned long)strtol(text, NULL, 10);
    clock_gettime(CLOCK_MONOTONIC, &now);
    free(realloc(malloc(100), 5000));
    setenv("PREPROF_TEST_STEPS", text, 1);
}

/* The first calls go through ld.so's binder. */
static double (*power)(double, double);

static void call_lazily(void)
{
    sink = (unsigned long)power(3.0, 4.5);
    sink = (unsigned long)labs(-3) + (unsigned long)atoi("12");
    sink = (unsigned long)lrand48() + (unsigned long)ffsl(8);
}

static void test_shapes(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* gcc's tables are wrong about rbp at the end of realigned() */
#endif
    check(call_shapes);
}

static void test_libc(void **state)
{
    (void)state;
    check(call_libc);
}

static void test_lazily(void **state)
{
    void *library = dlopen("libm.so.6", RTLD_LAZY);

    (void)state;
#if defined(__aarch64__)
    skip(); /* glibc's table of _dl_runtime_resolve forgets 16 bytes of stack */
#endif
    assert_non_null(library);
    *(void **)&power = dlsym(library, "pow");
    check(call_lazily);
    dlclose(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_libc),
        cmocka_unit_test(test_lazily),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
