/* SPDX-License-Identifier: MIT */
/*
 * test_query.c - goal: parameters are read as Go reads them. Method: tables
 * whose right sides are what Go 1.19's url.ParseQuery and strconv.ParseInt
 * gave, or for sizes, arithmetic.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "query.h"

static void test_find_reads_as_go_does(void **state)
{
    static const struct {
        const char *query;
        bool found;
        const char *value;
    } cases[] = {
        {"", false, ""},
        {"debug=1", true, "1"},
        {"debug=1&debug=0", true, "1"},
        {"debug=%31", true, "1"},
        {"de%62ug=1", true, "1"},
        {"debug=1;x=2&debug=3", true, "3"},
        {"debug=%zz&debug=4", true, "4"},
        {"debug", true, ""},
        {"debug=", true, ""},
        {"=1&debug=5", true, "5"},
        {"&&debug=6", true, "6"},
        {"x=debug=7&debug=8", true, "8"},
        {"debug=a+b", true, "a b"},
        {"debug=%2B1", true, "+1"},
        {"debug=%", false, ""},
        {"debug=%4&debug=9", true, "9"},
        {"Debug=1", false, ""},
        {"debug=1%26", true, "1&"},
        {"%=2&debug=3", true, "3"},
        {"a%3Ddebug=1", false, ""},
        {"debug+=1", false, ""},
        {"debug=1#x", true, "1#x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char value[QUERY_VALUE_MAX + 1];

        print_message("# %s\n", cases[i].query);
        assert_int_equal(query_find(cases[i].query, "debug", value),
                         cases[i].found);
        assert_string_equal(value, cases[i].value);
    }
}

/* A value that fits nowhere is one that nothing takes, not a shorter one. */
static void test_find_never_cuts_a_value(void **state)
{
    char query[4 * QUERY_VALUE_MAX] = "size=";
    char value[QUERY_VALUE_MAX + 1];
    uint64_t size;

    (void)state;
    memset(query + 5, '1', QUERY_VALUE_MAX);
    assert_true(query_find(query, "size", value));
    assert_int_equal(strlen(value), QUERY_VALUE_MAX);
    memset(query + 5, '1', 3 * QUERY_VALUE_MAX + 40);
    assert_true(query_find(query, "size", value));
    assert_int_equal(query_parse_size(value, &size), -EINVAL);
    assert_true(query_find("size=1%00", "size", value));
    assert_int_equal(query_parse_size(value, &size), -EINVAL);
}

static void test_float_is_gos(void **state)
{
    static const struct {
        const char *text;
        double number;
        int status;
    } cases[] = {
        {"0", 0, 0},           {"1", 1, 0},         {"0.5", 0.5, 0},
        {"-2.5", -2.5, 0},     {"+1.", 1, 0},       {".25", 0.25, 0},
        {"25e-1", 2.5, 0},     {"1E2", 100, 0},     {"", 0, -EINVAL},
        {".", 0, -EINVAL},     {"1e", 0, -EINVAL},  {"1.5s", 0, -EINVAL},
        {" 1", 0, -EINVAL},    {"1 ", 0, -EINVAL},  {"1,5", 0, -EINVAL},
        {"0x10", 0, -EINVAL},  {"inf", 0, -EINVAL}, {"NaN", 0, -EINVAL},
        {"1e999", 0, -EINVAL}, {"--1", 0, -EINVAL}, {"1-1", 0, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double number;

        assert_int_equal(query_parse_float(cases[i].text, &number),
                         cases[i].status);
        if (cases[i].status == 0)
            assert_true(number == cases[i].number);
    }
}

static void test_int_is_gos(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
        int status;
    } cases[] = {
        {"0", 0, 0},
        {"1", 1, 0},
        {"-1", -1, 0},
        {"+1", 1, 0},
        {"--1", 0, -EINVAL},
        {"", 0, -EINVAL},
        {"+", 0, -EINVAL},
        {"-", 0, -EINVAL},
        {"1.5", 0, -EINVAL},
        {" 1", 0, -EINVAL},
        {"1 ", 0, -EINVAL},
        {"0x1", 0, -EINVAL},
        {"1_0", 0, -EINVAL},
        {"007", 7, 0},
        {"9223372036854775807", INT64_MAX, 0},
        {"9223372036854775808", INT64_MAX, -ERANGE},
        {"-9223372036854775808", INT64_MIN, 0},
        {"-9223372036854775809", INT64_MIN, -ERANGE},
        {"99999999999999999999", INT64_MAX, -ERANGE},
        {"99999999999999999999x", INT64_MAX, -ERANGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t number = 4711;

        print_message("# %s\n", cases[i].text);
        assert_int_equal(query_parse_int(cases[i].text, &number),
                         cases[i].status);
        assert_true(number == cases[i].number);
    }
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        int status;
    } cases[] = {
        {"0", 0, 0},
        {"1", 1, 0},
        {"17B", 17, 0},
        {"3kB", 3000, 0},
        {"3KiB", 3072, 0},
        {"5MB", 5000000, 0},
        {"5MiB", 5242880, 0},
        {"7GB", 7000000000, 0},
        {"7GiB", 7516192768, 0},
        {"9223372036854775807", INT64_MAX, 0},
        {"9223372036854775808", 0, -ERANGE},
        {"18446744073709551617", 0, -ERANGE},
        {"9000000000GiB", 0, -ERANGE},
        {"", 0, -EINVAL},
        {"MiB", 0, -EINVAL},
        {"1kb", 0, -EINVAL},
        {"1K", 0, -EINVAL},
        {"1 MiB", 0, -EINVAL},
        {"1MiBx", 0, -EINVAL},
        {"-1", 0, -EINVAL},
        {"1.5MiB", 0, -EINVAL},
        {"0x10", 0, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t size = 0;

        print_message("# %s\n", cases[i].text);
        assert_int_equal(query_parse_size(cases[i].text, &size),
                         cases[i].status);
        if (cases[i].status == 0)
            assert_true(size == cases[i].size);
    }
}

static void test_decode(void **state)
{
    char out[16];

    (void)state;
    assert_int_equal(query_decode("/%70id", 6, false, out), 4);
    assert_string_equal(out, "/pid");
    assert_int_equal(query_decode("a+b", 3, false, out), 3);
    assert_string_equal(out, "a+b");
    assert_int_equal(query_decode("%fF", 3, false, out), 1);
    assert_string_equal(out, "\xff");
    assert_int_equal(query_decode("%00", 3, false, out), -1);
    assert_int_equal(query_decode("%4", 2, false, out), -1);
    assert_int_equal(query_decode("%", 1, false, out), -1);
    assert_int_equal(query_decode("%g0", 3, false, out), -1);
    /* the third byte is not this text's */
    assert_int_equal(query_decode("%41", 2, false, out), -1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_reads_as_go_does),
        cmocka_unit_test(test_find_never_cuts_a_value),
        cmocka_unit_test(test_int_is_gos),
        cmocka_unit_test(test_float_is_gos),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_decode),
    };

    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
