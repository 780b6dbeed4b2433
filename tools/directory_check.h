/* SPDX-License-Identifier: MIT */
/*
 * directory_check.h - can segments be made in their directory.
 *
 * The shim never says why it made none; this asks the same questions from
 * outside. Read next: segment_find.h, shim/segment_file.c.
 */
#ifndef PREPROF_DIRECTORY_CHECK_H
#define PREPROF_DIRECTORY_CHECK_H

#include <stddef.h>

/*
 * Makes the directory, as the shim does, when it is missing. Returns 0, or
 * -errno with why a process of this user can make no segment there, as
 * "DIRECTORY: reason".
 */
int directory_check(const char *directory, char *reason, size_t size);

#endif
