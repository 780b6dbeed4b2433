/* SPDX-License-Identifier: MIT */
/*
 * profile.h - a heap profile in pprof's words, whatever it is written as.
 *
 * Built once from a segment's snapshot and a symbolizer, then only read by the
 * writers (profile_pprof.h, profile_folded.h, profile_top.h). Every location
 * has an address of its own, never 0, and at least one line; all text is valid
 * UTF-8. Must never read a file or a process. Read next:
 * profile_from_segment.c, segment_read.h, symbolize.h.
 */
#ifndef PREPROF_PROFILE_H
#define PREPROF_PROFILE_H

#include <stddef.h>
#include <stdint.h>

struct segment_snapshot;
struct symbolizer;

/* The four sample types of a heap profile, in Go's order. */
enum profile_value {
    PROFILE_ALLOC_OBJECTS,
    PROFILE_ALLOC_SPACE,
    PROFILE_INUSE_OBJECTS,
    PROFILE_INUSE_SPACE,
    PROFILE_VALUES,
};
extern const char *const profile_value_names[PROFILE_VALUES];
extern const char *const profile_value_units[PROFILE_VALUES];

struct profile_line {
    char *function; /* for people; never empty */
    char *system_name;
    char *file; /* "" unknown */
    uint32_t line;
    uint32_t start_line;
};

struct profile_location {
    uint64_t address;
    uint32_t mapping;           /* index + 1; 0 none */
    struct profile_line *lines; /* innermost first */
    size_t line_count;
};

struct profile_mapping {
    uint64_t start, limit, offset;
    char *file;
    char *build_id; /* lower-case hex, "" for none */
};

struct profile_sample {
    uint32_t *locations; /* indexes, leaf first */
    size_t depth;
    int64_t values[PROFILE_VALUES];
};

struct profile {
    char *program;
    uint32_t pid;
    uint64_t time_ns;
    int64_t period_bytes;     /* mean sampling distance; 1 when exact */
    const char *default_type; /* a name of profile_value_names, or NULL */
    int64_t total[PROFILE_VALUES];

    struct profile_mapping *mappings; /* [0] is the main program */
    size_t mapping_count;
    struct profile_location *locations;
    size_t location_count;
    struct profile_sample *samples; /* none without a value */
    size_t sample_count;
    char **comments; /* losses and what could not be symbolized */
    size_t comment_count;
};

/*
 * The profile of a snapshot read with SEGMENT_READ_STACKS. Returns NULL only
 * when memory is short. The caller frees it with profile_free(); it holds
 * nothing of the snapshot or the symbolizer.
 */
struct profile *profile_from_segment(const struct segment_snapshot *snapshot,
                                     struct symbolizer *symbolizer);

void profile_free(struct profile *profile);

#endif
