/* SPDX-License-Identifier: MIT */
/*
 * profile_trim.h - a profile without what nothing in it needs.
 *
 * For those that change a profile: after it, no sample has only zeros and every
 * location is one of a sample. Mappings stay, [0] names the program. Read next:
 * profile.h.
 */
#ifndef PREPROF_PROFILE_TRIM_H
#define PREPROF_PROFILE_TRIM_H

#include "profile.h"

/* Returns 0, or -ENOMEM and a profile that is whole, with all locations. */
int profile_trim(struct profile *profile);

#endif
