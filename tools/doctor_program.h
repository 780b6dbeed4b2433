/* SPDX-License-Identifier: MIT */
/*
 * doctor_program.h - what to expect of a program's profile before it is run.
 *
 * Read next: program_check.h, directory_check.h.
 */
#ifndef PREPROF_DOCTOR_PROGRAM_H
#define PREPROF_DOCTOR_PROGRAM_H

/* Writes the findings about the program at `path`. */
void doctor_program(const char *path);

#endif
