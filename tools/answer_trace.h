/* SPDX-License-Identifier: MIT */
/*
 * answer_trace.h - the answers to kind trace, whose window is a trace and no
 * difference. Read next: answer_window.h, trace_request.h, trace_json.h.
 */
#ifndef PREPROF_ANSWER_TRACE_H
#define PREPROF_ANSWER_TRACE_H

#include "answer.h"

/* Begins the trace of a window whose file is open. Returns 0 or a status. */
int answer_trace_begin(struct answer *answer, struct render_window *window);

/* Ends it, and answers with it. Returns the status. */
int answer_trace_end(struct answer *answer, struct render_window *window);

#endif
