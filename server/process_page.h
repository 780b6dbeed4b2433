/* SPDX-License-Identifier: MIT */
/*
 * process_page.h - the page at /pid/: every process that has a profile, each
 * family of forked ones below its parent with their sum.
 */
#ifndef PREPROF_PROCESS_PAGE_H
#define PREPROF_PROCESS_PAGE_H

#include <jansson.h>
#include <stdio.h>

/* Writes the page; `processes` is the answer to `list` (render.h). What it
 * does not hold is left empty. */
void process_page_write(FILE *out, const json_t *processes);

#endif
