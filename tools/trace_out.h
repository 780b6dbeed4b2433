/* SPDX-License-Identifier: MIT */
/*
 * trace_out.h - the pieces that events in the trace event format are made of.
 *
 * Text goes straight to a stream: half a million events as JSON values would
 * not fit into what preprof-render may use. Whoever writes an event begins it,
 * adds keys, and closes its brace. Read next: trace_json.c, trace_samples.c.
 */
#ifndef PREPROF_TRACE_OUT_H
#define PREPROF_TRACE_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Of all events together. What comes after them, and the last one, has the rest
 * of RENDER_RESPONSE_SIZE_MAX. */
#define TRACE_OUT_SIZE_MAX (UINT64_C(160) << 20)

struct trace_out {
    FILE *file; /* may be asked for its position */
    uint32_t pid;
    bool any;    /* an event was written: a comma is due */
    bool failed; /* memory was short */
};

/* Whether no further event is to be written. */
bool trace_out_is_full(const struct trace_out *out);

/* {"ph":…,"pid":…,"tid":…,"name":… with a comma before it, where one is due;
 * the name is a literal. */
void trace_out_begin(struct trace_out *out, char phase, uint32_t tid,
                     const char *name);

/* A string that is valid UTF-8, in quotes. */
void trace_out_text(struct trace_out *out, const char *text);

/* ,"key":microseconds */
void trace_out_us(struct trace_out *out, const char *key, uint64_t ns);

#endif
