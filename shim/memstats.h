/* SPDX-License-Identifier: MIT */
/*
 * memstats.h - the exported entries that preprof.h looks up; see there for
 * what they do. A change of meaning gets a new version suffix.
 */
#ifndef PREPROF_MEMSTATS_H
#define PREPROF_MEMSTATS_H

#include <stdint.h>

struct preprof_memstats;

int preprof_read_memstats_v1(struct preprof_memstats *stats);
int preprof_set_mode_v1(int mode, uint64_t sample_size);
int preprof_set_locks_v1(int on);
int preprof_set_label_v1(const char *key, const char *value);

#endif
