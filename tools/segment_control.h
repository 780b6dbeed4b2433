/* SPDX-License-Identifier: MIT */
/*
 * segment_control.h - changes what a live process records, from outside.
 *
 * The mode word of its segment is the switch: one aligned store, which every
 * hook reads. Nothing else is ever written to another's segment. Read next:
 * segment.h (modes), coverage.h (what a profile says of it afterwards).
 */
#ifndef PREPROF_SEGMENT_CONTROL_H
#define PREPROF_SEGMENT_CONTROL_H

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

#endif
