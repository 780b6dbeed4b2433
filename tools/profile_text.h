/* SPDX-License-Identifier: MIT */
/*
 * profile_text.h - a profile as Go's legacy text (debug=1), which people read
 * and pprof parses.
 *
 * Samples' weights are in the counts already, so a heap's head says heap/2:
 * "sampled every byte", and readers scale nothing. Read next: profile.h.
 */
#ifndef PREPROF_PROFILE_TEXT_H
#define PREPROF_PROFILE_TEXT_H

#include <stdio.h>

#include "profile.h"

struct process_memstats;

/*
 * Writes the profile; of a heap also the MemStats where `stats` is not NULL.
 * Returns 0, -ENOMEM or -EIO.
 */
int profile_text_write(const struct profile *profile,
                       const struct process_memstats *stats, FILE *out);

/* Writes what is to be said of the whole, as lines that parsers skip: behind a
 * head, or among mappings. */
void profile_text_write_comments(const struct profile *profile, FILE *out);

/* Writes the mappings as gperftools' text profiles end, by which a reader
 * without the server can name addresses. Returns 0 or -EIO. */
int profile_text_write_mappings(const struct profile *profile, FILE *out);

/* A heap profile for gperftools' scripts (google-pprof, jeprof): they scale
 * what says "heap", and divide by zero where nothing is in use. Returns as
 * profile_text_write(). */
int profile_text_write_gperftools(const struct profile *profile, FILE *out);

#endif
