/* SPDX-License-Identifier: MIT */
/*
 * segment_input.h - what a person named, read: a process's segment by its pid,
 * a profile, or a core file.
 *
 * Read next: segment_find.h, segment_read.h, core_segment.h.
 */
#ifndef PREPROF_SEGMENT_INPUT_H
#define PREPROF_SEGMENT_INPUT_H

#include "segment_read.h"

/* Reads FILE, or the segment of process PID where there is no file of that
 * name. Returns as segment_read(). */
int segment_input_read(const char *input, enum segment_parts parts,
                       struct segment_snapshot **snapshot,
                       struct segment_error *error);

#endif
