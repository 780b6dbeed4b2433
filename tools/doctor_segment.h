/* SPDX-License-Identifier: MIT */
/*
 * doctor_segment.h - what a profile itself says of how good it is.
 *
 * Read next: loss.h, segment_read.h.
 */
#ifndef PREPROF_DOCTOR_SEGMENT_H
#define PREPROF_DOCTOR_SEGMENT_H

/* Writes the findings about the segment or profile at `path`. */
void doctor_segment(const char *path);

#endif
