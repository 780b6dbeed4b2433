/* SPDX-License-Identifier: MIT */
/*
 * The grammar of PREPROF_MODE, what junk does to the environment's options,
 * and what %p and %n become.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"
#include "segment.h"

#define MAX_SIZE (((uint64_t)1 << 46) - 1)

static void test_modes(void **state)
{
    static const struct {
        const char *text;
        enum segment_mode mode;
        uint64_t size;
    } modes[] = {
        {"off", SEGMENT_MODE_OFF, 0},
        {"exact", SEGMENT_MODE_EXACT, 0},
        {"sample", SEGMENT_MODE_SAMPLE, 524288},
        {"sample=1", SEGMENT_MODE_SAMPLE, 1},
        {"sample=512", SEGMENT_MODE_SAMPLE, 512},
        {"sample=512B", SEGMENT_MODE_SAMPLE, 512},
        {"sample=512k", SEGMENT_MODE_SAMPLE, 524288},
        {"sample=512K", SEGMENT_MODE_SAMPLE, 524288},
        {"sample=512kB", SEGMENT_MODE_SAMPLE, 524288},
        {"sample=512KiB", SEGMENT_MODE_SAMPLE, 524288},
        {"sample=0512k", SEGMENT_MODE_SAMPLE, 524288},
        {"sample=3M", SEGMENT_MODE_SAMPLE, 3 << 20},
        {"sample=3MiB", SEGMENT_MODE_SAMPLE, 3 << 20},
        {"sample=2G", SEGMENT_MODE_SAMPLE, (uint64_t)2 << 30},
        {"sample=70368744177663", SEGMENT_MODE_SAMPLE, MAX_SIZE},
        {"sample=65535G", SEGMENT_MODE_SAMPLE, (uint64_t)65535 << 30},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        uint64_t word = 77;
        int err = options_parse_mode(modes[i].text, &word);

        if (err || SEGMENT_MODE_OF(word) != modes[i].mode ||
            SEGMENT_SAMPLE_SIZE_OF(word) != modes[i].size)
            fail_msg("%s: %d, word %#lx", modes[i].text, err,
                     (unsigned long)word);
    }
}

static void test_junk(void **state)
{
    /* clang-format off */
    static const char *const junk[] = {
        "", " ", "of", "offf", "OFF", "Exact", "exact ", " exact", "exact=1",
        "off=1", "on", "1", "samples", "sample ", "sample=", "sample= 1",
        "sample=0", "sample=0k", "sample=-1", "sample=+1", "sample=k",
        "sample=B", "sample=1kk", "sample=1kM", "sample=1T", "sample=1x",
        "sample=1 ", "sample=0x10", "sample=1.5M", "sample=1e6",
        "sample=3mib", "sample=1Bi", "sample=1i", "sample=1iB", "sample=1KBB",
        "sample=70368744177664", "sample=65536G",
        "sample=18446744073709551616", "sample=17179869184G",
        "sample=512,exact", "sample==1",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        uint64_t word = 77;

        if (options_parse_mode(junk[i], &word) != -EINVAL || word != 77)
            fail_msg("\"%s\" was taken", junk[i]);
    }
}

static void test_expand(void **state)
{
    static const struct {
        const char *output, *expanded;
    } cases[] = {
        {"/x", "/x"},
        {"/x/%n.%p", "/x/prog.4711"},
        {"/%p%p%n%n", "/47114711progprog"},
        {"/100%%%n", "/100%prog"},
        {"/%%p", "/%p"},
        {"/%d%", "/%d%"},
        {"/%", "/%"},
        {"", ""},
    };
    char buffer[OPTIONS_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(options.output, cases[i].output);
        options_expand_output(buffer, 4711, "prog");
        assert_string_equal(buffer, cases[i].expanded);
    }
    /* Longer than there is room: cut, and terminated. */
    for (int i = 0; i + 2 < OPTIONS_PATH_MAX; i += 2)
        memcpy(options.output + i, "%n", 3);
    options_expand_output(buffer, 1, "a-program-of-some-length");
    assert_int_equal(strlen(buffer), OPTIONS_PATH_MAX - 1);
    options.output[0] = '\0';
}

/* What is read is read once: the environment as a program starts with it. */
static void test_environment(void **state)
{
    uint64_t before = options.mode_word;
    char here[OPTIONS_PATH_MAX], expected[OPTIONS_PATH_MAX];

    (void)state;
    assert_non_null(getcwd(here, sizeof(here) - 64));
    setenv("PREPROF_MODE", "sample=junk", 1);
    setenv("PREPROF_DIR", "some/dir", 1);
    setenv("PREPROF_OUT", "/abs/%p", 1);
    setenv("PREPROF_VERBOSE", "0", 1);
    snprintf(here + strlen(here), 64, "/some/dir");
    options_read();
    assert_true(options.mode_word == before);
    assert_string_equal(options.directory, here);
    assert_string_equal(options.output, "/abs/%p");
    assert_false(options.verbose);
    setenv("PREPROF_MODE", "exact", 1);
    options_read();
    assert_true(options.mode_word == before);

    options_choose_directory(expected);
    assert_string_equal(expected, here);
    options.directory[0] = '\0';
    options_choose_directory(expected);
    snprintf(here, sizeof(here), "/dev/shm/preprof-%u", (unsigned)geteuid());
    assert_string_equal(expected, here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
