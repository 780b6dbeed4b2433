/* SPDX-License-Identifier: MIT */
/*
 * thread_creation.h - by which stacks the threads of a dump were created, as
 * their process's segment knows: what cannot be seen from outside.
 *
 * Read next: segment.h (struct segment_thread), thread_dump.h.
 */
#ifndef PREPROF_THREAD_CREATION_H
#define PREPROF_THREAD_CREATION_H

#include "segment_read.h"
#include "thread_dump.h"

/*
 * Fills in `creation` of the threads whose creation is known, and the modules
 * of a dump that could read none. `directory` is where to look for the segment;
 * NULL: in all of segment_places.h. A process without one, or with none that
 * may be read, is no error. 0 or -ENOMEM.
 */
int thread_creation_add(struct thread_dump *dump, const char *directory);

/* The callsite at which a thread that started then, in clock ticks since boot,
 * was created; 0 unknown. The snapshot was read with SEGMENT_READ_STACKS. */
uint32_t thread_creation_find(const struct segment_snapshot *snapshot,
                              uint32_t tid, uint64_t start_ticks);

#endif
