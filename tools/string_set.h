/* SPDX-License-Identifier: MIT */
/*
 * string_set.h - one copy of each string, at an address that stays.
 *
 * Strings are only ever added; all go together with the set. A table of
 * pointers with linear probing over an arena of bytes; must never move a
 * string it has handed out. Read next: symbolize.c.
 */
#ifndef PREPROF_STRING_SET_H
#define PREPROF_STRING_SET_H

#include <stddef.h>

struct string_set;

/* NULL when memory is short. */
struct string_set *string_set_new(void);
void string_set_free(struct string_set *set);

/*
 * The set's copy of the `length` bytes at `text`, NUL-terminated; the same
 * pointer for equal strings. NULL when memory is short.
 */
const char *string_set_add(struct string_set *set, const char *text,
                           size_t length);

#endif
