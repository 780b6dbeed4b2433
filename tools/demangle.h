/* SPDX-License-Identifier: MIT */
/*
 * demangle.h - linkage names as people write them.
 *
 * C++, Rust and D over libiberty: qualified names with template arguments but
 * without parameters, as perf and pprof show them. Names come from files
 * nobody vouches for, and a few hundred bytes of mangled name can stand for
 * gigabytes: what grows past a limit stays mangled. Read next: symbolize.c.
 */
#ifndef PREPROF_DEMANGLE_H
#define PREPROF_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

#define DEMANGLE_SIZE_MAX 16384u /* bytes of a demangled name, with the NUL */

/* Does it begin as the names of one of these languages do? */
bool demangle_is_mangled(const char *name);

/*
 * Writes the demangled name, NUL-terminated, and its length without the NUL.
 * False when `name` is not a mangled name, or one that needs more room.
 */
bool demangle(const char *name, char text[DEMANGLE_SIZE_MAX], size_t *length);

#endif
