/* SPDX-License-Identifier: MIT */
/*
 * pprof_index.h - the page at /debug/pprof/, in the shape that tools read.
 *
 * Rows are for what is served, sorted by name; links are relative, so that the
 * page works behind a proxy's prefix and below /pid/N.
 */
#ifndef PREPROF_PPROF_INDEX_H
#define PREPROF_PPROF_INDEX_H

#include <jansson.h>
#include <stdio.h>

/* Writes the page; `counts` is the answer to `counts` (render.h). What it does
 * not hold is shown as 0. */
void pprof_index_write(FILE *out, const json_t *counts);

#endif
