/* SPDX-License-Identifier: MIT */
/*
 * core_segment.h - the segment in a core file, for profiles without anything
 * else left.
 *
 * A core holds the segment when the process's coredump_filter let file-backed
 * shared memory in (bit 3; core(5)). It is found by its magic at the start of a
 * mapping. The core is hostile input: what it claims is bounded by its size and
 * by the limits of segment.h, and the segment out of it is checked like any
 * other. Read next: segment_read.h.
 */
#ifndef PREPROF_CORE_SEGMENT_H
#define PREPROF_CORE_SEGMENT_H

#include <stdbool.h>

#include "segment_read.h"

#define CORE_MAPPINGS_MAX (1u << 20) /* of a core, looked through */

/* Whether an open file is a core file, of whatever machine. */
bool core_is(int fd);

/*
 * Reads the segment in an open core file; `path` is for messages. Of several,
 * the youngest that is sound. Offsets in errors about the segment are within
 * it. Returns as segment_read(); -ENOENT when there is no segment.
 */
int core_segment_read(int fd, const char *path, enum segment_parts parts,
                      struct segment_snapshot **snapshot,
                      struct segment_error *error);

#endif
