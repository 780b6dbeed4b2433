/* SPDX-License-Identifier: MIT */
/*
 * answer.h - one answer of preprof-render in the making, and the errors that
 * all kinds of answers share.
 *
 * Functions that return a status return 0 where all is well, else the HTTP
 * status of an answer that is complete. Read next: render_answer.c,
 * answer_window.c.
 */
#ifndef PREPROF_ANSWER_H
#define PREPROF_ANSWER_H

#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "profile_kind.h"
#include "render_request.h"
#include "render_window.h"
#include "segment_error.h"
#include "segment_read.h"

struct segment_deltas;
struct segment_folds;
struct symbolizer;

struct render {
    struct segment_folds *folds;
    struct segment_deltas *deltas;
    struct symbolizer *symbolizer;
    unsigned answers; /* by this symbolizer */
    struct render_windows windows;
};

/* One answer in the making. */
struct answer {
    struct render *render;
    const struct render_request *request;
    char *body;
    size_t size;
};

/* Makes it an error of one line; returns `status`, or 500 without memory. */
int answer_refuse(struct answer *answer, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int answer_refuse_for_memory(struct answer *answer);
int answer_refuse_for_segment(struct answer *answer,
                              const struct segment_error *error, int err);
/* Of cpu_request_begin(); `what` could not be enabled, which is `busy` when
 * another one is. */
int answer_refuse_for_cpu(struct answer *answer, const char *what,
                          const char *busy, int err);
/* Of render_thread.h. */
int answer_refuse_for_threads(struct answer *answer, int err);

/* The path of the segment of the process asked for; a status. */
int answer_find_segment(struct answer *answer, char path[PATH_MAX]);

/* A snapshot of it; a status. */
int answer_read_segment(struct answer *answer, enum segment_parts parts,
                        struct segment_snapshot **snapshot);

/* Whether a snapshot can have a profile of this kind; a status. */
int answer_check_profiled(struct answer *answer,
                          const struct segment_snapshot *snapshot,
                          const struct profile_kind *kind);

/* Closes a memory stream to the body, to which was written with this error or
 * 0. Returns 200, or refuses for memory; also for a stream that is NULL. */
int answer_close(struct answer *answer, FILE *out, int err);

#endif
