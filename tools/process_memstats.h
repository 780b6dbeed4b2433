/* SPDX-License-Identifier: MIT */
/*
 * process_memstats.h - Go's MemStats of a process, seen from outside.
 *
 * Counts come from its segment; what only the allocator knows (HeapSys and its
 * parts) is estimated from the process's mappings, and named as estimated.
 * From inside, preprof_read_memstats() gives the allocator's own numbers.
 * Read next: shim/preprof.h, process_memory.h.
 */
#ifndef PREPROF_PROCESS_MEMSTATS_H
#define PREPROF_PROCESS_MEMSTATS_H

#include <jansson.h>
#include <stdio.h>

#include "preprof.h"
#include "segment_read.h"

struct process_memstats {
    struct preprof_memstats go;      /* PREPROF_KNOWN_EXACT: what is a count is
                                        exact; HeapSys never is, from outside */
    uint64_t resident, resident_max; /* bytes; 0 when the process is gone */
    uint64_t plus_minus; /* HeapAlloc is within this with 95 %; 0 when exact */
};

/*
 * The numbers of a snapshot and, while it lives, its process. The identities
 * of preprof.h hold here, too. HeapInuse is what of the heap is in memory, at
 * least HeapAlloc; HeapReleased what is not.
 */
void process_memstats_read(const struct segment_snapshot *snapshot,
                           struct process_memstats *stats);

/* The "# runtime.MemStats" lines of Go's text heap profile. */
void process_memstats_write_text(const struct process_memstats *stats,
                                 FILE *out);

/* As Go's expvar has it, with all its keys. NULL when memory is short. */
json_t *process_memstats_json(const struct process_memstats *stats);

/* An array of the keys whose values are estimates. NULL as above. */
json_t *process_memstats_estimated(const struct process_memstats *stats);

#endif
