/* SPDX-License-Identifier: MIT */
/*
 * segment_control.h - changes what a live process records, from outside.
 *
 * The mode word of its segment, and the one that switches waits, are the
 * switches: one aligned store, which every hook reads. Read next: segment.h
 * (modes), coverage.h (what a profile says of it afterwards).
 */
#ifndef PREPROF_SEGMENT_CONTROL_H
#define PREPROF_SEGMENT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "segment_error.h"

/*
 * Stores a mode word in the segment at `path`, of a process that is live and
 * can be profiled. Returns 0 and the word that was there, or -errno with
 * *error filled: -ESRCH when the process has ended, -ENOTSUP when its malloc
 * cannot be followed, -EINVAL when the file is no sound segment.
 */
int segment_control_mode(const char *path, uint64_t mode, uint64_t *before,
                         struct segment_error *error);

/* The same for whether waits are recorded (the profiles block and mutex). */
int segment_control_locks(const char *path, bool on, uint64_t *before,
                          struct segment_error *error);

#endif
