/* SPDX-License-Identifier: MIT */
/*
 * profile_merge.h - one sample for each stack.
 *
 * A segment enters a stack again after code came or went that may have been
 * part of it, so that several callsites may be the same locations to a reader.
 * Must never change a sum. Read next: profile.h, profile_from_segment.c.
 */
#ifndef PREPROF_PROFILE_MERGE_H
#define PREPROF_PROFILE_MERGE_H

#include "profile.h"

/* Adds samples to the first one with the same locations and labels. A value
 * stops at the top. Returns 0, or -ENOMEM and the profile as it was. */
int profile_merge(struct profile *profile);

#endif
