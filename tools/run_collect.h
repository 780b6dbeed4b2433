/* SPDX-License-Identifier: MIT */
/*
 * run_collect.h - the profiles of one run: found, kept, and summed up.
 *
 * A process that ends by itself writes its profile; one that is killed leaves
 * its segment, whose header says where the profile was to go. Read next:
 * segment_read.h, shim/segment_file.h.
 */
#ifndef PREPROF_RUN_COLLECT_H
#define PREPROF_RUN_COLLECT_H

#include <limits.h>
#include <stdint.h>

struct run_collect {
    char pattern[PATH_MAX]; /* PREPROF_OUT of the run */
    uint64_t begin_ns;      /* CLOCK_REALTIME */
};

/* Notes when the run begins, before its first process does. */
void run_collect_begin(struct run_collect *run, const char *pattern);

/* Moves the segments that killed processes of the run have left to where their
 * profiles belong. What cannot be moved stays, and is named on stderr. */
void run_collect_killed(const struct run_collect *run);

/*
 * Writes one line a process to stderr: program, pid, allocations, bytes in use
 * at the end, file. The file of process `first` is renamed to `file` when that
 * is not NULL. Says so when the run left no profile at all.
 */
void run_collect_report(const struct run_collect *run, uint32_t first,
                        const char *file);

#endif
