/* SPDX-License-Identifier: MIT */
/*
 * render_answer.h - what preprof-render answers to a request.
 *
 * Reads segments and processes, symbolizes, writes; knows nothing of pipes.
 * Read next: render_request.h, render_process.h, profile.h.
 */
#ifndef PREPROF_RENDER_ANSWER_H
#define PREPROF_RENDER_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "render_request.h"

struct render;

/* NULL when memory is short. */
struct render *render_new(void);
void render_free(struct render *render);

/*
 * Answers a request. Returns an HTTP status, and *body of *size bytes that the
 * caller frees: the content, or one line that says why. *body is NULL when
 * memory was short; the status is 500 then.
 */
int render_answer(struct render *render, const struct render_request *request,
                  char **body, size_t *size);

#endif
