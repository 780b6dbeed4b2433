/* SPDX-License-Identifier: MIT */
/*
 * test_mode.c - modes as people write them.
 *
 * Oracle: the shim's own parser (shim/options.h), which shares no line with
 * the tools'. Every text made of a few pieces must mean the same to both.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mode.h"
#include "options.h"
#include "segment.h"

static void compare(const char *text)
{
    uint64_t word = 1, expected = 1;
    int err = options_parse_mode(text, &expected);

    assert_int_equal(mode_parse(text, &word), err);
    if (err)
        return;
    assert_int_equal(word, expected);

    char again[MODE_TEXT_SIZE];
    mode_format(word, again);
    assert_int_equal(mode_parse(again, &word), 0);
    assert_int_equal(word, expected);
}

static void test_means_what_the_shim_says(void **state)
{
    static const char *const heads[] = {
        "",         "off",     "exact", "sample",   "sample=",
        "sample=0", "sampler", "Exact", "sample =", "sample=-"};
    static const char *const numbers[] = {"",
                                          "0",
                                          "1",
                                          "7",
                                          "512",
                                          "0512",
                                          "524288",
                                          "4294967296",
                                          " 5",
                                          "+5",
                                          "4611686018427387903",
                                          "4611686018427387904",
                                          "18446744073709551615",
                                          "18446744073709551616",
                                          "99999999999999999999999"};
    static const char *const units[] = {
        "",  "k", "K", "kB", "KiB", "M",  "m",  "MiB", "G", "GiB",
        "T", "B", "i", "iB", "kk",  "Bk", " k", "k ",  "ib"};
    unsigned count = 0;
    char text[96];
    (void)state;

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        for (size_t j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
            for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++) {
                snprintf(text, sizeof(text), "%s%s%s", heads[i], numbers[j],
                         units[k]);
                compare(text);
                count++;
            }
    assert_int_equal(count, 10 * 15 * 19);
}

static void check_format(const char *text, const char *expected)
{
    char written[MODE_TEXT_SIZE];
    uint64_t word;

    assert_int_equal(mode_parse(text, &word), 0);
    mode_format(word, written);
    assert_string_equal(written, expected);
}

static void test_is_written_short(void **state)
{
    (void)state;
    check_format("off", "off");
    check_format("exact", "exact");
    check_format("sample=512KiB", "sample");
    check_format("sample=65536", "sample=64k");
    check_format("sample=1000", "sample=1000");
    check_format("sample=4096M", "sample=4G");
    check_format("sample=70368744177663", "sample=70368744177663");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_what_the_shim_says),
        cmocka_unit_test(test_is_written_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
