/* SPDX-License-Identifier: MIT */
/*
 * profile_folded.h - a profile as folded stacks, the input of flame graphs:
 * one line a stack, frames from the root joined by ';', a space, the value.
 * Inlined frames are frames. Read next: profile.h.
 */
#ifndef PREPROF_PROFILE_FOLDED_H
#define PREPROF_PROFILE_FOLDED_H

#include <stdio.h>

#include "profile.h"

/* Writes the stacks whose value is not 0. Returns 0, or -EIO. */
int profile_folded_write(const struct profile *profile, int value, FILE *out);

#endif
