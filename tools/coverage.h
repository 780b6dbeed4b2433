/* SPDX-License-Identifier: MIT */
/*
 * coverage.h - since when, and how completely, a segment's counts are counts.
 *
 * A process can be switched on late, off and on again, from sampling to
 * counting. What that leaves out of its profile is said with it. Read next:
 * segment.h (modes_used, recording_ns).
 */
#ifndef PREPROF_COVERAGE_H
#define PREPROF_COVERAGE_H

#include <stdbool.h>

#include "segment.h"

#define COVERAGE_TEXT_SIZE 256

/* Recorded in one mode, without a gap, since the process began. */
bool coverage_is_whole(const struct segment_header *header);

/* "since 2026-01-31T09:05:07Z", and what is missing: "..., 4m12s after the
 * start; off in between". "nothing yet" before the first recording. */
void coverage_text(const struct segment_header *header,
                   char text[COVERAGE_TEXT_SIZE]);

#endif
