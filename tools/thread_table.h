/* SPDX-License-Identifier: MIT */
/*
 * thread_table.h - threads for a terminal of 80 columns.
 *
 * Threads with the same labels and stack together, each with tid, state, how
 * long and name; deadlocks at the end, where one looks. Read next: thread_text.h.
 */
#ifndef PREPROF_THREAD_TABLE_H
#define PREPROF_THREAD_TABLE_H

#include <stdio.h>

#include "profile.h"
#include "thread_dump.h"

/* `profile` is of this dump. 0 or -EIO. */
int thread_table_write(const struct thread_dump *dump,
                       const struct profile *profile, FILE *out);

#endif
