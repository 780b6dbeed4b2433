/* SPDX-License-Identifier: MIT */
/*
 * profile_from_threads.h - a profile of threads: how many are where.
 *
 * Read next: thread_dump.h, profile.h.
 */
#ifndef PREPROF_PROFILE_FROM_THREADS_H
#define PREPROF_PROFILE_FROM_THREADS_H

#include "profile.h"
#include "symbolize.h"
#include "thread_dump.h"

/*
 * One sample for each distinct stack under each set of labels, whose value is
 * how many threads have them; each thread's `sample` is set to the index of its
 * own. What is no code, such as why a stack is cut, is a location like
 * "[truncated]". Returns NULL only when memory is short. The caller frees it
 * with profile_free(); it holds nothing of the dump or the symbolizer.
 */
struct profile *profile_from_threads(struct thread_dump *dump,
                                     struct symbolizer *symbolizer,
                                     const struct profile_kind *kind);

#endif
