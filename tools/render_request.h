/* SPDX-License-Identifier: MIT */
/*
 * render_request.h - one request to preprof-render, parsed and checked.
 *
 * The protocol is render.h's. Must never act on a request: render_answer.h
 * does.
 */
#ifndef PREPROF_RENDER_REQUEST_H
#define PREPROF_RENDER_REQUEST_H

#include <stddef.h>
#include <stdint.h>

/* Strings point into the body that was parsed; NULL when a key is missing. */
struct render_request {
    const char *kind;
    const char *directory;
    const char *format;
    const char *symbols;
    const char *program;
    uint32_t pid; /* 0 missing */
    int debug;
    const char *window; /* "begin", "end" or "drop"; then id is not 0 */
    uint32_t id;
    uint32_t hz;    /* 0 missing */
    uint32_t limit; /* 0 missing */
    const char *cursor;
};

/*
 * Parses a body of `size` bytes with room for one more, which becomes a NUL;
 * newlines become NULs, too. Returns NULL and the request, or what is wrong as
 * one line without newline, static.
 */
const char *render_request_parse(char *body, size_t size,
                                 struct render_request *request);

#endif
