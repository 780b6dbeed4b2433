/* SPDX-License-Identifier: MIT */
/*
 * run_output.h - where the profiles of one run go.
 *
 * Every process of a run writes its profile to the same pattern (PREPROF_OUT),
 * which has its pid in it:
 *
 *   -o FILE               FILE.%p; the first process's becomes FILE at the end
 *   -o FILE with a %p     FILE
 *   no -o                 %n.%p.preprof
 *
 * %p is the pid, %n the program's name, %% a percent sign. Names only: nothing
 * here reads a profile. Read next: run_collect.h, shim/options.h.
 */
#ifndef PREPROF_RUN_OUTPUT_H
#define PREPROF_RUN_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What the shim and the segment's header have room for. */
#define RUN_OUTPUT_MAX 1024

struct run_output {
    char pattern[RUN_OUTPUT_MAX]; /* absolute; "" when nothing is kept */
    bool renamed; /* the first process's file loses its ".PID" */
    char directory[RUN_OUTPUT_MAX]; /* the current one, with its slash */
};

/*
 * Chooses the pattern for -o FILE, or for none when file is NULL, and checks
 * that something can be written there. Returns 0, or -errno after a line on
 * stderr.
 */
int run_output_choose(struct run_output *output, const char *file);

/* The name of one process's profile. False when it would be too long, or the
 * program's name is none. */
bool run_output_expand(const struct run_output *output, uint32_t pid,
                       const char *program, char path[PATH_MAX]);

/* The pattern as glob(3) takes it: matches every name that
 * run_output_expand() can give, and perhaps others. */
void run_output_glob(const struct run_output *output, char glob[PATH_MAX]);

/* A path as a person would type it here: without the current directory. */
const char *run_output_shorten(const struct run_output *output,
                               const char *path);

#endif
