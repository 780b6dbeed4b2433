/* SPDX-License-Identifier: MIT */
/*
 * profile_subtract.h - what happened between two profiles of one process.
 *
 * Read next: profile.h, render_window.h.
 */
#ifndef PREPROF_PROFILE_SUBTRACT_H
#define PREPROF_PROFILE_SUBTRACT_H

#include "profile.h"

/*
 * Makes *later the difference later - earlier, stack by stack, as Go's delta
 * profiles are: values may become negative, a stack that only `earlier` has
 * counts as gone, and stacks without a difference are dropped. Of the same
 * kind. Returns 0 or -ENOMEM; *later can only be freed then.
 */
int profile_subtract(struct profile *later, const struct profile *earlier);

#endif
