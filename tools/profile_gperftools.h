/* SPDX-License-Identifier: MIT */
/*
 * profile_gperftools.h - a CPU profile as gperftools writes it: machine words,
 * then the mappings. google-pprof and jeprof read nothing else of CPU time.
 *
 * Without names: the scripts ask for those at /pprof/symbol. Read next:
 * profile.h.
 */
#ifndef PREPROF_PROFILE_GPERFTOOLS_H
#define PREPROF_PROFILE_GPERFTOOLS_H

#include <stdio.h>

#include "profile.h"

/* Of the kind `profile`. Returns 0 or -EIO. */
int profile_gperftools_write(const struct profile *profile, FILE *out);

#endif
