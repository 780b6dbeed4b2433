/* SPDX-License-Identifier: MIT */
/*
 * profile_fold.h - fewer stacks, in profiles that nobody subtracts.
 *
 * What a window saw, or where threads are now, stands for itself: the smallest
 * stacks can be chosen anew each time. Totals that only grow are folded before,
 * in the segment's counts, with a memory of what was chosen: segment_fold.h.
 */
#ifndef PREPROF_PROFILE_FOLD_H
#define PREPROF_PROFILE_FOLD_H

#include "profile.h"

#define PROFILE_FOLDED_NAME "[smaller stacks]"

/* Leaves at most `limit` samples, which is not 0, in another order: the
 * smallest become one, PROFILE_FOLDED_NAME, without labels, and all sums stay.
 * Returns 0, or -ENOMEM and a profile that may only be freed. */
int profile_fold(struct profile *profile, uint32_t limit);

#endif
