/* SPDX-License-Identifier: MIT */
/*
 * test_symbol_hint.c - the package that has a file's debug information, from
 * lists as dpkg keeps them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "symbol_hint.h"

static char work[] = "/tmp/preprof-hint-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(work) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", work);
    return system(command);
}

static void test_hint(void **state)
{
    (void)state;
    char name[SYMBOL_HINT_NAME_SIZE], command[512];
    snprintf(command, sizeof(command),
             "cd %s && printf '/.\\n/lib\\n/lib/x/libc.so.6\\n' "
             ">libc6:amd64.list && "
             "printf '/usr/bin/tool1.2\\n/usr/share/doc\\n' >tool1.2.list && "
             "printf '/usr/bin/no\\n' >tool.md5sums && : >empty.list",
             work);
    assert_int_equal(system(command), 0);
    struct symbol_hint *hint = symbol_hint_new(work);
    assert_true(symbol_hint_package(hint, "/usr/lib/x/libc.so.6", name));
    assert_string_equal(name, "libc6-dbg");
    assert_true(symbol_hint_package(hint, "/bin/tool1.2", name));
    assert_string_equal(name, "tool1.2-dbgsym");
    assert_false(symbol_hint_package(hint, "/usr/bin/no", name));
    assert_false(symbol_hint_package(hint, "", name));
    symbol_hint_free(hint);
    hint = symbol_hint_new("/nowhere");
    assert_false(symbol_hint_package(hint, "/bin/tool1.2", name));
    symbol_hint_free(hint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
