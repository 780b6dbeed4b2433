/* SPDX-License-Identifier: MIT */
/*
 * What /proc says of threads, as the kernel writes it and damaged; words;
 * reasons; circles against a slow model; Go's text of deep stacks.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "profile_from_threads.h"
#include "thread_lock.h"
#include "thread_modules.h"
#include "thread_read.h"
#include "thread_refusal.h"
#include "thread_stop.h"
#include "thread_text.h"
#include "thread_words.h"

/* ---- parsers ----------------------------------------------------------- */

static const char status_text[] = "Name:\tredis server\n"
                                  "Umask:\t0022\n"
                                  "State:\tS (sleeping)\n"
                                  "voluntary_ctxt_switches:\t1009\n"
                                  "nonvoluntary_ctxt_switches:\t31\n";

static void test_status(void **state)
{
    struct thread_status status;

    (void)state;
    assert_int_equal(thread_status_parse(status_text, &status), 0);
    assert_string_equal(status.name, "redis server");
    assert_int_equal(status.state, 'S');
    assert_true(status.switches == 1040);
    /* cut anywhere before its last number, it is refused */
    for (size_t i = 0; i < sizeof(status_text) - 4; i++) {
        char text[sizeof(status_text)];

        memcpy(text, status_text, i);
        text[i] = '\0';
        assert_int_equal(thread_status_parse(text, &status), -EINVAL);
    }
}

static void test_status_names(void **state)
{
    struct thread_status status;
    char text[512];

    (void)state;
    snprintf(text, sizeof(text), "Name:\t%0200d\n%s", 7,
             strchr(status_text, '\n') + 1);
    assert_int_equal(thread_status_parse(text, &status), 0);
    assert_int_equal(strlen(status.name), THREAD_NAME_SIZE - 1);
    snprintf(text, sizeof(text), "Name:\t\033[31m\xff\n%s",
             strchr(status_text, '\n') + 1);
    assert_int_equal(thread_status_parse(text, &status), 0);
    assert_string_equal(status.name, "?[31m?");
}

static void test_syscall(void **state)
{
    struct thread_syscall call;

    (void)state;
    assert_int_equal(thread_syscall_parse("running\n", &call), 0);
    assert_true(call.running);
    assert_int_equal(thread_syscall_parse("-1 0x7ffc0010 0x7f5ce503\n", &call),
                     0);
    assert_true(!call.running && call.number == -1);
    assert_true(call.sp == 0x7ffc0010 && call.pc == 0x7f5ce503);
    assert_int_equal(
        thread_syscall_parse("202 0x1 0x80 0x3 0xffffffffffffffff 0x5 0x6 "
                             "0x7ffc0010 0x7f5ce503\n",
                             &call),
        0);
    assert_true(call.number == 202 && call.arguments[1] == 0x80 &&
                call.arguments[3] == UINT64_MAX && call.arguments[5] == 6);
    assert_true(call.sp == 0x7ffc0010 && call.pc == 0x7f5ce503);
    assert_int_equal(thread_syscall_parse("", &call), -EINVAL);
    assert_int_equal(thread_syscall_parse("-1 0x7ffc0010", &call), -EINVAL);
    assert_int_equal(
        thread_syscall_parse("202 0x1 0x2 0x3 0x4 0x5 0x6 0x7", &call),
        -EINVAL);
}

static void test_last_run(void **state)
{
    static const char text[] =
        "cat (30314, #threads: 1)\n"
        "-----------------------------\n"
        "se.exec_start          :      17825534.974305\n"
        "se.vruntime            :           255.082596\n";
    uint64_t us = 0;

    (void)state;
    assert_int_equal(thread_last_run_parse(text, &us), 0);
    assert_true(us == UINT64_C(17825534974));
    assert_int_equal(thread_last_run_parse("se.exec_start : x\n", &us),
                     -EINVAL);
    assert_int_equal(thread_last_run_parse("", &us), -EINVAL);
}

static void test_start(void **state)
{
    uint64_t ticks;

    (void)state;
    assert_int_equal(thread_start_parse(
                         "7 (a) R (b) S 1 7 7 0 -1 4194560 8 0 0 0 1 2 3 4 20 "
                         "0 5 0 123456789012 22 23\n",
                         &ticks),
                     0);
    assert_true(ticks == 123456789012);
    assert_int_equal(thread_start_parse("7 (a) S 1 7", &ticks), -EINVAL);
    assert_int_equal(thread_start_parse("7 (a", &ticks), -EINVAL);
    assert_int_equal(thread_start_parse("", &ticks), -EINVAL);
}

static void test_restarted(void **state)
{
    (void)state;
    assert_true(thread_restarted_call("futex_wait_queue") == SYS_futex);
    assert_true(thread_restarted_call("poll_schedule_timeout.constprop.0") ==
                SYS_poll);
    assert_true(thread_restarted_call("hrtimer_nanosleep") ==
                SYS_clock_nanosleep);
    assert_true(thread_restarted_call("0") == SYS_restart_syscall);
    assert_true(thread_restarted_call("") == SYS_restart_syscall);
}

static void test_mapping(void **state)
{
    static const char *const bad[] = {
        "",
        "7f00-",
        "2000-1000 r-xp 0 00:00 0 /x",
        "1000-2000 r-x 0 0:0 0 /x",
        "1000-2000 r-xp 0",
        "x-y r-xp 0 00:00 0 /x",
    };
    struct thread_mapping mapping;

    (void)state;
    assert_int_equal(thread_mapping_parse("7f1000-7f3000 r-xp 00026000 08:01 "
                                          "1315 /usr/lib/a b.so (deleted)",
                                          &mapping),
                     0);
    assert_true(mapping.start == 0x7f1000 && mapping.end == 0x7f3000);
    assert_true(mapping.offset == 0x26000 && mapping.executable);
    assert_false(mapping.writable);
    assert_string_equal(mapping.path, "/usr/lib/a b.so (deleted)");
    assert_int_equal(
        thread_mapping_parse("1000-2000 rw-p 00000000 00:00 0 ", &mapping), 0);
    assert_true(mapping.writable);
    assert_string_equal(mapping.path, "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(thread_mapping_parse(bad[i], &mapping), -EINVAL);
}

/* ---- words ------------------------------------------------------------- */

static void test_words(void **state)
{
    static const struct {
        char state;
        int64_t number;
        const char *words;
    } cases[] = {
        {'S', SYS_futex, "futex wait"}, {'S', SYS_epoll_wait, "epoll_wait"},
        {'S', 999, "system call 999"},  {'S', -1, "sleeping"},
        {'D', SYS_read, "disk sleep"},  {'T', SYS_read, "stopped"},
        {'R', SYS_read, "running"},     {'Z', -1, "ended"},
        {'?', SYS_read, "sleeping"},
    };
    struct thread_syscall running = {.running = true};
    char words[THREAD_WORDS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct thread_syscall call = {.number = cases[i].number};

        thread_words(cases[i].state, &call, words);
        assert_string_equal(words, cases[i].words);
    }
    thread_words('S', &running, words);
    assert_string_equal(words, "running");
    thread_words('S', NULL, words);
    assert_string_equal(words, "sleeping");
}

static void test_safe_to_stop(void **state)
{
    struct thread_syscall call = {.number = SYS_recvfrom};

    (void)state;
    assert_true(thread_stop_is_safe(&call));
    call.arguments[3] = MSG_WAITALL;
    assert_false(thread_stop_is_safe(&call));
    call.number = SYS_write;
    assert_false(thread_stop_is_safe(&call));
    call.number = SYS_read;
    assert_true(thread_stop_is_safe(&call));
}

static void expect_refusal(uid_t owner, uid_t user, uid_t we, int yama,
                           const char *reason, const char *advice_part)
{
    struct thread_permission permission = {
        .owner = owner, .user = user, .we = we, .yama = yama, .pid = 4711};
    char *why, *advice;

    assert_int_equal(thread_refusal_write(&permission, &why, &advice), 0);
    assert_string_equal(why, reason);
    assert_non_null(strstr(advice, advice_part));
    assert_non_null(strstr(advice, "process 4711"));
    free(why);
    free(advice);
}

static void test_refusal(void **state)
{
    (void)state;
    expect_refusal(0, 0, 1000, 0, "it runs as uid 0, we as 1000", "root");
    expect_refusal(0, 1000, 1000, 0, "it is not dumpable", "PR_SET_DUMPABLE");
    expect_refusal(1000, 1000, 1000, 1, "Yama allows only ancestors",
                   "kernel.yama.ptrace_scope");
    expect_refusal(1000, 1000, 1000, 2, "Yama allows only root", "root");
    expect_refusal(1000, 1000, 1000, 3, "Yama allows nobody", "boot");
    expect_refusal(1000, 1000, 1000, 0, "the kernel does not allow it",
                   "SYS_PTRACE");
}

/* ---- deadlocks --------------------------------------------------------- */

#define FEW 7

/* Whether one comes back to itself by going on; the slow way. */
static bool in_circle(const int next[FEW], int from)
{
    int at = next[from];

    for (int i = 0; i < FEW && at >= 0; i++, at = next[at])
        if (at == from)
            return true;
    return false;
}

static void test_circles(void **state)
{
    (void)state;
    srandom(20261125);
    for (int round = 0; round < 5000; round++) {
        struct thread_dump *dump = calloc(1, sizeof(*dump));
        int next[FEW];
        size_t named = 0, circular = 0;

        dump->threads = calloc(FEW, sizeof(*dump->threads));
        dump->count = FEW;
        for (int i = 0; i < FEW; i++) {
            next[i] = (int)(random() % (FEW + 3)) - 2; /* some are nobody */
            dump->threads[i] = (struct thread){
                .tid = 100 + i,
                .wait = next[i] == -2 ? THREAD_WAIT_NONE
                        : i % 2       ? THREAD_WAIT_LOCK
                                      : THREAD_WAIT_END,
                .other = next[i] >= 0 && next[i] < FEW ? 100 + next[i] : 7,
            };
            snprintf(dump->threads[i].name, THREAD_NAME_SIZE, "t%d", i);
            if (next[i] >= FEW)
                next[i] = -1;
        }
        assert_int_equal(thread_lock_resolve(dump), 0);
        for (int i = 0; i < FEW; i++) {
            char mark[16];
            size_t here = 0;

            assert_int_equal(dump->threads[i].wait != THREAD_WAIT_NONE,
                             next[i] >= 0);
            snprintf(mark, sizeof(mark), "%d (t%d)", 100 + i, i);
            for (size_t j = 0; j < dump->deadlock_count; j++)
                here += strstr(dump->deadlocks[j], mark) != NULL;
            assert_int_equal(here, in_circle(next, i));
            named += here;
            circular += in_circle(next, i);
        }
        assert_int_equal(named, circular);
        thread_dump_free(dump);
    }
}

/* ---- text -------------------------------------------------------------- */

static char *text_of(struct thread_dump *dump)
{
    struct symbolizer *symbolizer = symbolizer_new();
    struct profile *profile =
        profile_from_threads(dump, symbolizer, profile_kind_find("goroutine"));
    size_t size;
    char *text;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(profile);
    assert_int_equal(thread_text_write(dump, profile, out), 0);
    fclose(out);
    profile_free(profile);
    symbolizer_free(symbolizer);
    return text;
}

static void test_text(void **state)
{
    static const char expected[] = "goroutine 42 [poll, 3 minutes, a)b]:\n"
                                   "[0x1233](...)\n\t??:0 +0x1\n"
                                   "created by [0x4566]\n\t??:0 +0x1\n"
                                   "\n"
                                   "goroutine 43 [running, deep]:\n"
                                   "[0x1000](...)\n";
    uint64_t deep[2 * THREAD_TEXT_FRAMES + 7], shallow[] = {0x1233};
    uint64_t creation[] = {0x4566, 0x7899};
    struct thread threads[] = {
        {.tid = 42,
         .name = "a]b",
         .words = "poll",
         .idle_ms = 3 * 60000 + 59999,
         .addresses = shallow,
         .depth = 1,
         .creation = creation,
         .creation_depth = 2},
        {.tid = 43, .name = "deep", .words = "running", .addresses = deep},
    };
    struct thread_dump dump = {.pid = 42, .threads = threads, .count = 2};
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(deep) / sizeof(deep[0]); i++)
        deep[i] = 0x1000 + i;
    threads[1].depth = sizeof(deep) / sizeof(deep[0]);
    text = text_of(&dump);
    assert_ptr_equal(strstr(text, expected), text);
    assert_non_null(strstr(text, "[0x1031](...)\n\t??:0 +0x1\n"
                                 "...7 frames elided...\n"
                                 "[0x1039](...)\n"));
    free(text);
}

static void test_grouped(void **state)
{
    uint64_t stack[] = {0x1000, 0x2000}, other[] = {0x1000, 0x2001};
    struct thread threads[] = {
        {.tid = 1, .addresses = stack, .depth = 2},
        {.tid = 2, .addresses = other, .depth = 2},
        {.tid = 3, .addresses = stack, .depth = 2},
        {.tid = 4, .addresses = stack, .depth = 2, .cut = "[truncated]"},
        {.tid = 5},
    };
    struct thread_dump dump = {.pid = 1, .threads = threads, .count = 5};
    struct symbolizer *symbolizer = symbolizer_new();
    struct profile *profile =
        profile_from_threads(&dump, symbolizer, profile_kind_find("goroutine"));

    (void)state;
    assert_int_equal(profile->sample_count, 4);
    assert_int_equal(profile->total[0], 5);
    assert_int_equal(threads[0].sample, threads[2].sample);
    assert_int_equal(profile->samples[threads[0].sample].values[0], 2);
    assert_int_equal(profile->samples[threads[3].sample].depth, 3);
    assert_int_equal(profile->location_count, 5);
    for (size_t i = 0; i < profile->location_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(profile->locations[i].address !=
                        profile->locations[j].address);
    profile_free(profile);
    symbolizer_free(symbolizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),       cmocka_unit_test(test_start),
        cmocka_unit_test(test_status_names), cmocka_unit_test(test_syscall),
        cmocka_unit_test(test_last_run),     cmocka_unit_test(test_restarted),
        cmocka_unit_test(test_mapping),      cmocka_unit_test(test_words),
        cmocka_unit_test(test_safe_to_stop), cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_circles),      cmocka_unit_test(test_text),
        cmocka_unit_test(test_grouped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
