/* SPDX-License-Identifier: MIT */
/*
 * The call that a context has just ended, by code written for it: every
 * distance of the number, at every place of a page that nothing precedes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "arch.h"
#include "os.h"

#if defined(__x86_64__)

#define NONE "\x90" /* nop */

static uint8_t *page; /* behind one that cannot be read */

static int map(void **state)
{
    uint8_t *two = mmap(NULL, 2 * OS_PAGE_SIZE, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    page = two + OS_PAGE_SIZE;
    return two == MAP_FAILED ||
           mprotect(page, OS_PAGE_SIZE, PROT_READ | PROT_WRITE) != 0;
}

static ucontext_t ended_at(const uint8_t *pc, long long result)
{
    ucontext_t context = {.uc_flags = 0};

    context.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)pc;
    context.uc_mcontext.gregs[REG_RAX] = result;
    return context;
}

/* Writes code so that it ends at the offset, among nops; asks about its end. */
static int number_of(const char *code, size_t size, size_t end)
{
    ucontext_t context = ended_at(page + end, -EINTR);

    memset(page, NONE[0], OS_PAGE_SIZE);
    memcpy(page + end - size, code, size);
    return arch_call_ended(&context, EINTR);
}

#define NUMBER_OF(code, end) number_of(code, sizeof(code) - 1, end)
#define EPOLL_WAIT           "\xb8\xe8\0\0\0" /* mov $232,%eax */
#define CALL                 "\x0f\x05"

static void test_distance(void **state)
{
    static const char move[] = EPOLL_WAIT;

    (void)state;
    for (size_t between = 0; between <= 20; between++) {
        char code[64];
        size_t size = sizeof(move) - 1;

        memcpy(code, move, size);
        memset(code + size, NONE[0], between);
        memcpy(code + size + between, CALL, 2);
        assert_int_equal(number_of(code, size + between + 2, 100),
                         between <= 10 ? SYS_epoll_wait : -1);
    }
}

static void test_other_code(void **state)
{
    (void)state;
    assert_int_equal(NUMBER_OF("\x31\xc0" CALL, 100), SYS_read);
    assert_int_equal(NUMBER_OF(CALL, 100), -1);
    assert_int_equal(NUMBER_OF(EPOLL_WAIT NONE, 100), -1);
    assert_int_equal(NUMBER_OF("\x41" EPOLL_WAIT CALL, 100), -1);
    /* the nearer one */
    assert_int_equal(NUMBER_OF("\xb8\x07\0\0\0" EPOLL_WAIT CALL, 100),
                     SYS_epoll_wait);
    /* mov %rdi,%rax */
    assert_int_equal(NUMBER_OF("\x48\x89\xf8" CALL, 100), -1);
}

/* Found where all that may be looked at is in the page; never a fault. */
static void test_page(void **state)
{
    (void)state;
    for (size_t end = 7; end < 40; end++)
        assert_int_equal(NUMBER_OF(EPOLL_WAIT CALL, end),
                         end >= 18 ? SYS_epoll_wait : -1);
    assert_int_equal(NUMBER_OF(EPOLL_WAIT CALL, OS_PAGE_SIZE), SYS_epoll_wait);
    for (size_t end = 0; end < 7; end++) {
        ucontext_t context = ended_at(page + end, -EINTR);
        assert_int_equal(arch_call_ended(&context, EINTR), -1);
    }
}

/* In the middle of two pages that are there, the number is found, too. */
static void test_two_pages(void **state)
{
    uint8_t *before = page - OS_PAGE_SIZE;

    (void)state;
    assert_int_equal(mprotect(before, OS_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    for (size_t end = 1; end < 20; end++) {
        ucontext_t context = ended_at(page + end, -EINTR);

        memset(before, NONE[0], (size_t)2 * OS_PAGE_SIZE);
        memcpy(page + end - 7, EPOLL_WAIT CALL, 7);
        assert_int_equal(arch_call_ended(&context, EINTR), SYS_epoll_wait);
    }
    assert_int_equal(mprotect(before, OS_PAGE_SIZE, PROT_NONE), 0);
}

static void test_again(void **state)
{
    static const char code[] = EPOLL_WAIT CALL;
    ucontext_t context = ended_at(page + 107, -EINTR);

    (void)state;
    memcpy(page + 100, code, sizeof(code));
    context.uc_mcontext.gregs[REG_RAX] = 3;
    assert_int_equal(arch_call_ended(&context, EINTR), -1);
    context.uc_mcontext.gregs[REG_RAX] = -EAGAIN;
    assert_int_equal(arch_call_ended(&context, EINTR), -1);
    arch_call_again(&context, SYS_epoll_wait);
    assert_int_equal(context.uc_mcontext.gregs[REG_RAX], SYS_epoll_wait);
    assert_ptr_equal((void *)(uintptr_t)context.uc_mcontext.gregs[REG_RIP],
                     page + 105);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance), cmocka_unit_test(test_other_code),
        cmocka_unit_test(test_page),     cmocka_unit_test(test_two_pages),
        cmocka_unit_test(test_again),
    };

    return cmocka_run_group_tests(tests, map, NULL);
}

#else

int main(void)
{
    puts("1..0 # SKIP no call can be made again here");
    return 0;
}

#endif
