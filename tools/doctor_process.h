/* SPDX-License-Identifier: MIT */
/*
 * doctor_process.h - why a running process has a profile, or has none.
 *
 * Read next: doctor_program.h, doctor_segment.h.
 */
#ifndef PREPROF_DOCTOR_PROCESS_H
#define PREPROF_DOCTOR_PROCESS_H

#include <stdint.h>

/* Writes the findings about process `pid`, running or not. */
void doctor_process(uint32_t pid);

#endif
