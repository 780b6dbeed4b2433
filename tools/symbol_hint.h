/* SPDX-License-Identifier: MIT */
/*
 * symbol_hint.h - which package would give a stripped file its lines.
 *
 * Debian's package database is a text file per package that lists its files.
 * It is read once, at the first question, without running dpkg. On other
 * systems it is not there and there is no hint. Read next: symbolize.c.
 */
#ifndef PREPROF_SYMBOL_HINT_H
#define PREPROF_SYMBOL_HINT_H

#include <stdbool.h>
#include <stddef.h>

#define SYMBOL_HINT_DIRECTORY "/var/lib/dpkg/info"
#define SYMBOL_HINT_NAME_SIZE 128 /* of a debug package, with the NUL */

struct symbol_hint;

/* Of the database in `directory`: SYMBOL_HINT_DIRECTORY but for tests, and a
 * string that stays. NULL when memory is short. */
struct symbol_hint *symbol_hint_new(const char *directory);
void symbol_hint_free(struct symbol_hint *hint);

/* Names the package with the debug file of the file at `path`; false when no
 * package owns it. */
bool symbol_hint_package(struct symbol_hint *hint, const char *path,
                         char name[SYMBOL_HINT_NAME_SIZE]);

#endif
