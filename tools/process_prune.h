/* SPDX-License-Identifier: MIT */
/*
 * process_prune.h - removes what dead processes left, from outside.
 *
 * The segment of a killed process is its profile and is kept; readers see to
 * it that dead ones do not pile up. A process counts as dead only when it was
 * of our pid namespace and its pid is free or another's; every doubt keeps a
 * file. The day of grace begins when somebody first finds it dead, and the
 * shim and we mark that alike (segment.h).
 * Read next: segment.h, process_read.h; shim/segment_prune.h does the same at
 * the start of each process, as far as it has time.
 */
#ifndef PREPROF_PROCESS_PRUNE_H
#define PREPROF_PROCESS_PRUNE_H

#include <stdint.h>

struct process_entry;

/* Dead ones kept in a directory at most: so many, and so much of tmpfs; the
 * oldest go first. SEGMENT_PRUNE_AGE_S is their age. */
#define PROCESS_PRUNE_COUNT_MAX       64u
#define PROCESS_PRUNE_BYTES_MAX       (UINT64_C(1) << 30)
#define PROCESS_PRUNE_FILESYSTEM_PART 8u /* or this part of it, if less */

/* Keeps to the limits in a directory, or with NULL in all of
 * segment_places.h. What cannot be removed stays. */
void process_prune_old(const char *directory);

/*
 * Removes the segment of one dead process, however young. Returns 0, or
 * -errno: -EBUSY when it is not dead for sure.
 */
int process_prune_entry(const struct process_entry *entry);

#endif
