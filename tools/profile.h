/* SPDX-License-Identifier: MIT */
/*
 * profile.h - a profile in pprof's words, whatever it is written as.
 *
 * Built once from a segment's snapshot and a symbolizer, then only read by the
 * writers (profile_pprof.h, profile_text.h, profile_folded.h, profile_top.h).
 * Every location
 * has an address of its own, never 0, and at least one line; all
 * text is valid UTF-8. Must never read a file or a process. Read next:
 * profile_kind.h, profile_from_segment.c, segment_read.h, symbolize.h.
 */
#ifndef PREPROF_PROFILE_H
#define PREPROF_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile_kind.h"

struct segment_snapshot;
struct symbolizer;

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
    uint64_t offset; /* of the address in its physical function */
};

struct profile_mapping {
    uint64_t start, limit, offset;
    char *file;
    char *build_id; /* lower-case hex, "" for none */
};

struct profile_label {
    char *key, *value; /* neither is empty */
};

/* In the order of their keys. */
struct profile_label_set {
    struct profile_label *labels;
    size_t count;
};

struct profile_sample {
    uint32_t *locations; /* indexes, leaf first */
    size_t depth;
    int64_t values[PROFILE_VALUES_MAX]; /* kind->value_count of them */
    uint32_t labels;                    /* index + 1 of its set; 0 none */
};

struct profile {
    const struct profile_kind *kind;
    char *program;
    uint32_t pid;
    uint64_t time_ns;
    uint64_t duration_ns; /* of a difference of two profiles; else 0 */
    int64_t period; /* of a heap's, the mean sampling distance in bytes; 1 when
                       everything is counted */
    int64_t total[PROFILE_VALUES_MAX];

    struct profile_mapping *mappings; /* [0] is the main program */
    size_t mapping_count;
    struct profile_location *locations;
    size_t location_count;
    struct profile_sample *samples; /* none without a value */
    size_t sample_count;
    struct profile_label_set *label_sets;
    size_t label_set_count;
    char **comments; /* losses and what could not be symbolized */
    size_t comment_count;
};

/*
 * The profile of a snapshot read with SEGMENT_READ_STACKS; of a kind that a
 * segment does not count, one without samples. Returns NULL only when memory
 * is short. The caller frees it with profile_free(); it holds nothing of the
 * snapshot or the symbolizer.
 */
struct profile *profile_from_segment(const struct segment_snapshot *snapshot,
                                     struct symbolizer *symbolizer,
                                     const struct profile_kind *kind);

/* The same, but one sample a callsite, in the order of their ids, also where
 * several are one stack to a reader: of those with wanted[id], which must be
 * published, with the value 1; or, when `wanted` is NULL, of those that the
 * kind counts. */
struct profile *profile_from_callsites(const struct segment_snapshot *snapshot,
                                       struct symbolizer *symbolizer,
                                       const struct profile_kind *kind,
                                       const bool *wanted);

void profile_free(struct profile *profile);

/* The labels of a sample, maybe none; the profile's own. */
static inline struct profile_label_set
profile_labels(const struct profile *profile,
               const struct profile_sample *sample)
{
    return sample->labels ? profile->label_sets[sample->labels - 1]
                          : (struct profile_label_set){NULL, 0};
}

/* Adds the values of a sample to those of another, at most INT64_MAX and at
 * least INT64_MIN. */
void profile_sample_add(struct profile_sample *sum,
                        const struct profile_sample *sample);

/* A set of `count` labels without texts yet, as the profile's last one; NULL,
 * and nothing changed, when memory is short. */
struct profile_label_set *profile_label_set_add(struct profile *profile,
                                                size_t count);

/* Frees what a location owns. */
void profile_location_free(struct profile_location *location);

#endif
