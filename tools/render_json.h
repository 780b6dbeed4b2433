/* SPDX-License-Identifier: MIT */
/*
 * render_json.h - the answers of preprof-render that are JSON.
 *
 * Their keys are described in render.h. Each function returns 0, or -ENOMEM.
 */
#ifndef PREPROF_RENDER_JSON_H
#define PREPROF_RENDER_JSON_H

#include <stdio.h>

#include "process_list.h"
#include "segment_read.h"

int render_json_list(const struct process_list *list, FILE *out);
int render_json_counts(const struct segment_snapshot *snapshot, FILE *out);
int render_json_vars(const struct segment_snapshot *snapshot, FILE *out);

#endif
