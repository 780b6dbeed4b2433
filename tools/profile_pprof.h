/* SPDX-License-Identifier: MIT */
/*
 * profile_pprof.h - a profile as pprof's gzipped profile.proto.
 *
 * Follows what Go's runtime writes, so that every reader of Go's profiles
 * reads these; ids are positions + 1, as Parca demands. Everything is
 * symbolized here, and the mappings say so: clients then do not try again
 * with their own, poorer means for C. Read next: profile.h, profile.proto.
 */
#ifndef PREPROF_PROFILE_PPROF_H
#define PREPROF_PROFILE_PPROF_H

#include <stddef.h>
#include <stdint.h>

struct profile;

/* Writes the profile to memory that the caller frees. 0 or -ENOMEM. */
int profile_pprof_write(const struct profile *profile, uint8_t **bytes,
                        size_t *size);

#endif
