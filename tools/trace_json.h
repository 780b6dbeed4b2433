/* SPDX-License-Identifier: MIT */
/*
 * trace_json.h - a trace as JSON in the trace event format, which Perfetto,
 * Chrome's DevTools and speedscope read.
 *
 *   CPU samples      "P" Profile and ProfileChunk, one profile for each thread,
 *                    as V8 writes them (trace_samples.h)
 *   waits            "X", with place and labels in args and the stack in sf
 *   releases of locks that others waited for, new threads, and once more the
 *   CPU samples of threads with labels   "i", likewise
 *   heap and RSS     "C"
 *   names            "M"
 *   what is missing  otherData
 *
 * Times are CLOCK_MONOTONIC in microseconds. Read next: trace_request.h,
 * trace_stacks.h.
 */
#ifndef PREPROF_TRACE_JSON_H
#define PREPROF_TRACE_JSON_H

#include <stdio.h>

#include "segment_read.h"
#include "symbolize.h"
#include "trace_request.h"

/* `snapshot` is as trace_stacks_make() wants it, `out` a memory stream. Returns
 * 0 or -ENOMEM. */
int trace_json_write(const struct trace *trace,
                     const struct segment_snapshot *snapshot,
                     struct symbolizer *symbolizer, FILE *out);

#endif
