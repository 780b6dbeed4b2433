/* SPDX-License-Identifier: MIT */
/*
 * process_read.h - what /proc says of a process. Read next: segment_find.h.
 */
#ifndef PREPROF_PROCESS_READ_H
#define PREPROF_PROCESS_READ_H

#include <stdint.h>

/* Field 22 of /proc/PID/stat, in clock ticks since boot: with the pid it names
 * a process for as long as the machine is up. 0 when there is none, or it is a
 * zombie. */
uint64_t process_start_time(uint32_t pid);

#endif
