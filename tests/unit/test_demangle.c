/* SPDX-License-Identifier: MIT */
/*
 * test_demangle.c - symbols to names that people know.
 *
 * Goal: each language's symbols come out as its people write them, what is no
 * mangled name stays as it is, and no symbol takes long. Method: known pairs,
 * and symbols whose names would be gigabytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "demangle.h"

static void test_demangle(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"_ZNSt6vectorIiSaIiEE9push_backERKi",
         "std::vector<int, std::allocator<int> >::push_back"},
        {"_ZZN1a1bEiENKUliE_clEi", "a::b(int)::{lambda(int)#1}::operator()"},
        {"_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo"},
        {"_Z3foov.cold", "foo"},
        {"_ZN3fooD1Ev", "foo::~foo"},
        {"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
         "core::fmt::Write::write_fmt"},
        {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
        {"_D3std5stdio7writelnFNfAyaZv",
         "std.stdio.writeln(immutable(char)[])"},
        {"malloc", NULL},
        {"", NULL},
        {"_", NULL},
        {"_Z", NULL},
        {"_D", NULL},
        {"_R", NULL},
        {"_Zx!", NULL},
    };
    static char text[DEMANGLE_SIZE_MAX];
    size_t length;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool known = demangle(names[i][0], text, &length);
        if (known != (names[i][1] != NULL))
            fail_msg("%s: demangled is %d", names[i][0], known);
        if (known)
            assert_string_equal(text, names[i][1]);
        if (known)
            assert_int_equal(length, strlen(text));
    }
}

/* Names that would be gigabytes: they stay as they are, at once. */
static void test_demangle_bombs(void **state)
{
    (void)state;
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static char text[DEMANGLE_SIZE_MAX];
    char cxx[1024] = "_Z1fI1pIiiE", d[1024] = "_D1aFB4iiii", *end;
    size_t length;
    end = cxx + strlen(cxx);
    for (int i = 1; i < 34; i++) { /* p<previous, previous> */
        end += sprintf(end, "S0_IS%c_S%c_E", digits[i], digits[i]);
        if (i == 3) { /* so it is a name, and a long one is not */
            strcpy(end, "EvT_");
            assert_true(demangle(cxx, text, &length));
            assert_non_null(strstr(text, "p<p<p<int, int>, p<int, int> >"));
        }
    }
    strcpy(end, "EvT_");
    assert_false(demangle(cxx, text, &length));
    end = d + strlen(d);
    for (int i = 0; i < 60; i++)
        end += sprintf(end, "B2QiQk");
    strcpy(end, "Zv");
    assert_false(demangle(d, text, &length));
    char deep[8192] = "_Z1f";
    memset(deep + 4, 'P', sizeof(deep) - 6);
    strcpy(deep + sizeof(deep) - 2, "i");
    assert_false(demangle(deep, text, &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demangle),
        cmocka_unit_test(test_demangle_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
