/* SPDX-License-Identifier: MIT */
/*
 * run_collect.h - the profiles of one run: found, kept, and summed up.
 *
 * A process that ends by itself writes its profile; one that is killed, or
 * cannot write it, leaves its segment, whose header says where the profile was
 * to go. Read next: run_output.h, segment_read.h.
 */
#ifndef PREPROF_RUN_COLLECT_H
#define PREPROF_RUN_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run_output.h"

struct run_collect {
    const struct run_output *output;
    const char *directory; /* of the segments */
    uint64_t begin_ns;     /* CLOCK_REALTIME */
    uint32_t first;        /* pid of the first process ... */
    bool first_killed;     /* ... and whether a signal ended it */
};

/* Notes when the run begins, before its first process does; both strings are
 * kept by reference. The caller sets `first` and `first_killed` at the end. */
void run_collect_begin(struct run_collect *run, const struct run_output *output,
                       const char *directory);

/* Moves the segments of processes that have ended to where their profiles
 * belong, and names on stderr what cannot be moved, and which processes of the
 * run are still there. */
void run_collect_segments(const struct run_collect *run);

/*
 * Writes one line a process to stderr, the first process first: program, pid,
 * allocations, bytes in use at the end, file; and what every reader should
 * know of it. Gives the first one's file its name. Returns how many there are,
 * and whether the first process is one of them.
 */
size_t run_collect_report(const struct run_collect *run, bool *first);

#endif
