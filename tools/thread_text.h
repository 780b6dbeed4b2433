/* SPDX-License-Identifier: MIT */
/*
 * thread_text.h - threads one by one, as Go prints goroutines (debug=2).
 *
 * In the shape that panicparse and people read: a head with the state, how
 * long it has lasted, the thread's name, and the labels of one that has some,
 * then two lines a frame.
 * Read next: profile_from_threads.h, profile_text.h.
 */
#ifndef PREPROF_THREAD_TEXT_H
#define PREPROF_THREAD_TEXT_H

#include <stdio.h>

#include "profile.h"
#include "thread_dump.h"

/* As Go: of deeper stacks, so many frames at each end. */
#define THREAD_TEXT_FRAMES 50

/* `profile` is of this dump. Deadlocks come first, as lines with a '#'. 0 or
 * -EIO. */
int thread_text_write(const struct thread_dump *dump,
                      const struct profile *profile, FILE *out);

#endif
