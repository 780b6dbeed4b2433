/* SPDX-License-Identifier: MIT */
/*
 * thread_record.h - what their process's segment knows of the threads of a
 * dump, and cannot be seen from outside: their labels, and by which stacks they
 * were created.
 *
 * Read next: segment.h (struct segment_thread), thread_dump.h.
 */
#ifndef PREPROF_THREAD_RECORD_H
#define PREPROF_THREAD_RECORD_H

#include <stdbool.h>

#include "segment_read.h"
#include "thread_dump.h"

/*
 * Fills in `labels` of the threads that have some; with `creation`, or where no
 * stacks could be read, also `creation` of those where it is known, and the
 * modules of a dump that could read none. `directory` is where to look for the
 * segment; NULL: in all of segment_places.h. A process without one, or with
 * none that may be read, is no error. 0 or -ENOMEM.
 */
int thread_record_add(struct thread_dump *dump, const char *directory,
                      bool creation);

/*
 * Of a thread that started then, in clock ticks since boot, by a snapshot that
 * was read with SEGMENT_READ_THREADS: its set of labels, and with
 * SEGMENT_READ_STACKS, too, the callsite at which it was created; 0 none, or
 * unknown.
 */
uint32_t thread_record_labels(const struct segment_snapshot *snapshot,
                              uint32_t tid, uint64_t start_ticks);
uint32_t thread_record_creation(const struct segment_snapshot *snapshot,
                                uint32_t tid, uint64_t start_ticks);

#endif
