/* SPDX-License-Identifier: MIT */
/*
 * program.h - which program this process runs.
 *
 * Asked at birth, before any of its code has run. Read next: life.c.
 */
#ifndef PREPROF_PROGRAM_H
#define PREPROF_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the path of the executable, cut to size; without /proc the name it
 * was started by; "" when neither is known. */
void program_executable(char *buffer, size_t size);

/*
 * Whether a name is this program's: the base name of its executable, or of the
 * file that was asked to be executed, which for a script is the script and for
 * a link the link. argv[0] does not count: it can be anything.
 */
bool program_is_named(const char *name);

#endif
