/* SPDX-License-Identifier: MIT */
/*
 * event.h - counting what happens at a callsite and is no allocation: threads
 * that are created, waits, locks that others waited for.
 *
 * Rare against allocations, so one row per (kind, callsite) serves all threads
 * with locked adds. It walks a stack, so a lock of the program's is held longer
 * for it: not to be called before one is given back where after will do.
 * Read next: segment.h (the rows), callsite.h, trace.h, waiter.h.
 */
#ifndef PREPROF_EVENT_H
#define PREPROF_EVENT_H

#include <stdint.h>

#include "segment.h"
#include "walk.h"

/* Called at each birth. Returns 0 or -ENOMEM. */
int event_begin(void);

/*
 * Counts one event at the stack that begins at *start, in every mode, and
 * returns its callsite; traces it as well while a trace runs, and a wait, where
 * waits are not recorded, only then. What finds no room is lost, and counted as
 * EVENTS_DROPPED: 0 then, or without a segment. errno is not touched.
 * Threads: any. Async-signal-safe; in a handler that interrupted a walk the
 * event goes to a sink.
 */
uint32_t event_record(enum segment_event event, uint64_t delay_ns,
                      const struct walk_start *start);

#endif
