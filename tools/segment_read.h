/* SPDX-License-Identifier: MIT */
/*
 * segment_read.h - from a segment's file to a checked copy in memory.
 *
 * The file is hostile input and may be growing, or shrinking, while it is
 * read: it is copied by pread (a mapping could SIGBUS), every word is copied
 * once and validated before use, and the size of what is allocated is bounded
 * by the limits of segment.h (about 150 MiB), never by what the file says.
 * Must never write to a segment or to the process that owns it.
 * Read next: segment.h (the format), segment_check.h, profile_from_segment.h.
 */
#ifndef PREPROF_SEGMENT_READ_H
#define PREPROF_SEGMENT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segment.h"
#include "segment_error.h"
#include "segment_values.h"

enum segment_life {
    SEGMENT_LIFE_LIVE,   /* the process runs and counts into this very file */
    SEGMENT_LIFE_EXECED, /* it runs, but has become another program by exec,
                            which does not load the shim */
    SEGMENT_LIFE_EXITED, /* it ended by itself */
    SEGMENT_LIFE_KILLED, /* it is gone without having said so, or this is a
                            copy made while it ran */
    SEGMENT_LIFE_ELSEWHERE, /* it is of another pid namespace: who knows */
};

struct segment_snapshot {
    struct segment_header header; /* its strings are terminated */
    enum segment_life life;
    uint64_t taken_ns; /* CLOCK_REALTIME: now when live, else of the file's
                          last change */

    /* By callsite id. Ids below SEGMENT_SINK_COUNT are sinks; an id that is
     * not published has node 0 and no values. */
    uint32_t callsite_count;
    struct segment_callsite *callsites;
    struct segment_values *values;
    /* By kind and callsite: counts and delays at most INT64_MAX, none without
     * a count; the arrays of kinds that never happened, and of
     * SEGMENT_EVENT_NONE, are NULL. */
    struct segment_event_row *events[SEGMENT_EVENT_COUNT];
    uint32_t event_callsites[SEGMENT_EVENT_COUNT]; /* that have a count */
    struct segment_values total; /* of all callsites and sinks; no less at the
                                    peak than now */
    uint32_t recorded;           /* callsites and sinks that have values */

    struct segment_calls calls; /* all shards */
    uint64_t losses[SEGMENT_LOSS_COUNT];

    /*
     * Only with SEGMENT_READ_STACKS: from every published callsite the parents
     * lead to node 0 in exactly `depth` steps, over published nodes whose
     * module is 0 or that of a published module; or to a node of labels, which
     * is an outermost one, and whose pc is a published label. Unpublished
     * modules have end 0. From a published label the parents lead to 0 over
     * published ones whose keys become lesser.
     */
    uint32_t node_count;
    struct segment_node *nodes;
    uint32_t module_count;
    struct segment_module *modules;
    char *strings; /* a module's path is inside, not terminated */

    /* Only with SEGMENT_READ_THREADS: SEGMENT_THREADS_MAX, as they were found,
     * so that callsites and labels there may be none. */
    struct segment_thread *threads;

    /* With either: unpublished ones have value_length 0. */
    uint32_t label_count;
    struct segment_label *labels;
};

/* What is read of a segment, beside its header and counters. */
enum segment_parts {
    SEGMENT_READ_TOTALS = 0,  /* nothing: enough for a list */
    SEGMENT_READ_STACKS = 1,  /* what all profiles need but that of threads */
    SEGMENT_READ_THREADS = 2, /* what the threads that live have written down */
};

/*
 * Reads the segment at `path`. Returns 0 and a snapshot to be freed by
 * segment_snapshot_free(); or -errno with *error filled: -EINVAL for a file
 * that is no sound segment, -EPROTONOSUPPORT for one of another version, else
 * what the system said.
 */
int segment_read(const char *path, enum segment_parts parts,
                 struct segment_snapshot **snapshot,
                 struct segment_error *error);

/* The same from an open file; `path` is for messages and says by its last
 * part whether the segment can be live. */
int segment_read_fd(int fd, const char *path, enum segment_parts parts,
                    struct segment_snapshot **snapshot,
                    struct segment_error *error);

void segment_snapshot_free(struct segment_snapshot *snapshot);

#endif
