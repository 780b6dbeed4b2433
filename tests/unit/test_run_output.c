/* SPDX-License-Identifier: MIT */
/*
 * test_run_output.c - where the profiles of a run go.
 *
 * Oracle: the shim, which is given the pattern and expands it by code of its
 * own; and glob(3)'s matcher for the pattern that finds the files again.
 */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"
#include "run_output.h"

/* A directory whose name is all traps, and the current one. */
static char directory[] = "/tmp/100%p[a-z]*.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

/* Checks all of one -o: `expected` is for pid 4711 of "prog". */
static void check(const char *file, const char *expected, bool renamed)
{
    char by_us[PATH_MAX], by_shim[OPTIONS_PATH_MAX], pattern[PATH_MAX];
    char full[PATH_MAX];
    struct run_output output;

    assert_int_equal(run_output_choose(&output, file), 0);
    assert_int_equal(output.renamed, renamed);
    assert_true(run_output_expand(&output, 4711, "prog", by_us));
    snprintf(full, sizeof(full), "%s%s%s", expected[0] == '/' ? "" : directory,
             expected[0] == '/' ? "" : "/", expected);
    assert_string_equal(by_us, full);

    strcpy(options.output, output.pattern);
    memset(by_shim, 0, sizeof(by_shim));
    options_expand_output(by_shim, 4711, "prog");
    assert_string_equal(by_shim, full);

    run_output_glob(&output, pattern);
    assert_int_equal(fnmatch(pattern, by_us, FNM_PATHNAME), 0);
    assert_int_not_equal(fnmatch(pattern, "/tmp/other", FNM_PATHNAME), 0);
    assert_string_equal(run_output_shorten(&output, by_us), expected);
}

static void test_expands_as_the_shim_does(void **state)
{
    (void)state;
    check("app.preprof", "app.preprof.4711", true);
    check("./app", "./app.4711", true);
    check("/tmp/app", "/tmp/app.4711", true);
    check("%p", "4711", false);
    check("%n", "prog.4711", true);
    check("%n-%p.x", "prog-4711.x", false);
    check("a%%p", "a%p.4711", true);
    check("a%%%p", "a%4711", false);
    check("50%", "50%.4711", true);
    check("50%x", "50%x.4711", true);
    check("a[b]*?\\c", "a[b]*?\\c.4711", true);
    check(NULL, "prog.4711.preprof", false);
}

static void test_refuses_what_cannot_be_written(void **state)
{
    struct run_output output;
    char longest[RUN_OUTPUT_MAX + 1];
    (void)state;

    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_not_equal(run_output_choose(&output, longest), 0);
    assert_int_not_equal(run_output_choose(&output, ""), 0);
    assert_int_not_equal(run_output_choose(&output, "/tmp"), 0);
    assert_int_not_equal(run_output_choose(&output, "/dev/null"), 0);
    assert_int_not_equal(run_output_choose(&output, "/tmp/no such/x"), 0);
}

/* A segment's program name is whatever its owner wrote there. */
static void test_stays_in_its_directory(void **state)
{
    struct run_output output;
    char path[PATH_MAX];
    (void)state;

    assert_int_equal(run_output_choose(&output, "%n.x"), 0);
    assert_false(run_output_expand(&output, 1, "../../etc/passwd", path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expands_as_the_shim_does),
        cmocka_unit_test(test_refuses_what_cannot_be_written),
        cmocka_unit_test(test_stays_in_its_directory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
