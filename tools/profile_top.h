/* SPDX-License-Identifier: MIT */
/*
 * profile_top.h - the functions with the most memory, as `pprof -top` shows
 * them: flat is what a function allocated itself, cum what it and all it
 * called did (once a stack, however often it recurs). Read next: profile.h.
 */
#ifndef PREPROF_PROFILE_TOP_H
#define PREPROF_PROFILE_TOP_H

#include <stdio.h>

#include "profile.h"

/* Writes a header and the first `rows` functions by flat value. Returns 0,
 * -ENOMEM or -EIO. */
int profile_top_write(const struct profile *profile, int value, size_t rows,
                      FILE *out);

#endif
