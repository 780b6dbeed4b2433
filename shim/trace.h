/* SPDX-License-Identifier: MIT */
/*
 * trace.h - events with their times, for a reader that is there to take them.
 *
 * What is counted by callsite is written to a ring as well while the reader's
 * lease runs (segment.h, struct segment_trace), the shortest waits left out
 * where they are too many. The ring is made when the first trace asks for it.
 * Nothing here is ever waited for: a moment that finds no room, or another
 * thread at work in its place, is dropped and counted. Read next: event.c and
 * cpu.c, which write here; tools/trace_ring.h.
 */
#ifndef PREPROF_TRACE_H
#define PREPROF_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "segment.h"

/* Whether there is a trace now; ends one whose reader has gone. May be asked
 * only when there is a segment with room for extents (life_make_room()).
 * Threads: any. Async-signal-safe, errno is not touched, as all here. */
bool trace_runs(void);

/* Whether there is a trace now that takes such an event; counts what is too
 * short for one. As trace_runs(), otherwise. */
bool trace_takes(enum segment_event event, uint64_t delay_ns);

/* Writes an event of the calling thread that ends now, after `delay_ns`, at a
 * callsite of this segment. What finds no room is counted as
 * MOMENTS_DROPPED. */
void trace_record(enum segment_event event, uint32_t callsite,
                  uint64_t delay_ns);

#endif
