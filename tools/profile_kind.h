/* SPDX-License-Identifier: MIT */
/*
 * profile_kind.h - the kinds of profile there are, by Go's names, and what
 * each counts. The types, their order and their units are those of Go's
 * net/http/pprof: readers know a profile by them. `peak`, which Go has not, is
 * the half of `heap` that is in use. Read next: profile.h.
 */
#ifndef PREPROF_PROFILE_KIND_H
#define PREPROF_PROFILE_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "segment.h"

/* Grafana's scraper has an array of four. */
#define PROFILE_VALUES_MAX 4

/* The values of `heap` and `allocs`. */
enum profile_value {
    PROFILE_ALLOC_OBJECTS,
    PROFILE_ALLOC_SPACE,
    PROFILE_INUSE_OBJECTS,
    PROFILE_INUSE_SPACE,
};

/* Those of `peak`. */
enum {
    PROFILE_PEAK_OBJECTS,
    PROFILE_PEAK_SPACE,
};

/* Those of `block`, `mutex` and, as samples and CPU time, of `profile`; the
 * first also of kinds that only count. */
enum {
    PROFILE_CONTENTIONS,
    PROFILE_DELAY,
};

struct profile_type {
    const char *name, *unit;
};

struct profile_kind {
    const char *name; /* as in /debug/pprof/NAME */
    struct profile_type values[PROFILE_VALUES_MAX];
    int value_count;
    struct profile_type period;
    enum segment_event event; /* what it counts, if it is one of these */
    const char *default_type; /* what to show first; NULL: the last one */
};

extern const struct profile_kind profile_kinds[];
extern const size_t profile_kind_count;

/* NULL when there is no such kind. */
const struct profile_kind *profile_kind_find(const char *name);

/* Whether it is of allocations: has the values of enum profile_value. */
bool profile_kind_is_heap(const struct profile_kind *kind);

/* Whether it is of what was in use at the peak. */
bool profile_kind_is_peak(const struct profile_kind *kind);

#endif
