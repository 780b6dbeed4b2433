/* SPDX-License-Identifier: MIT */
/*
 * thread_place.h - where in the segment a living thread is written down.
 *
 * By its creator, for the stack that created it (creation.h), and by itself,
 * for its labels (label.h): who comes first takes a place. No lock, and no hook
 * at a thread's end: a place is free again when its thread is found to have
 * ended. Read next: segment.h (struct segment_thread).
 */
#ifndef PREPROF_THREAD_PLACE_H
#define PREPROF_THREAD_PLACE_H

#include <stdint.h>

#include "segment.h"

/*
 * A place of the thread with this id in this process, with this callsite; 0
 * leaves the one it has. What the thread itself has written there stays. NULL
 * when there is none, which is counted as THREADS_FULL. Threads: any.
 * Async-signal-safe.
 */
struct segment_thread *thread_place_take(uint32_t tid, uint32_t callsite);

#endif
