/* SPDX-License-Identifier: MIT */
/*
 * answer_window.h - answers the requests that make a profile of a stretch of
 * time: its beginning, its end, and that nobody wants it any more.
 *
 * Read next: render.h (key `window`), render_window.h.
 */
#ifndef PREPROF_ANSWER_WINDOW_H
#define PREPROF_ANSWER_WINDOW_H

#include "answer.h"
#include "profile_kind.h"

/* The request has a window and an id; `kind` is NULL for a trace. Returns the
 * status. */
int answer_window(struct answer *answer, const struct profile_kind *kind);

#endif
