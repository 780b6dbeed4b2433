/* SPDX-License-Identifier: MIT */
/*
 * serve.h - does what a plan says and calls back when the reply is there.
 *
 * Nothing here waits on the loop: rendering is the child's, page touching and
 * malloc_trim() are the thread pool's. Read next: route.h (plans), conn.c.
 */
#ifndef PREPROF_SERVE_H
#define PREPROF_SERVE_H

#include "http_request.h"
#include "reply.h"
#include "route.h"
#include "server.h"

struct trim;

struct serve {
    struct server *server;
    struct plan plan;
    struct reply reply; /* filled when done is called */
    void (*done)(struct serve *serve);
    void *data; /* the caller's */
    /* What it waits for; all NULL when nothing. */
    struct render_job *job;
    struct window *window;
    struct allocate_block *block;
    struct trim *trim;
};

/* Begins; `done` may be called from within. The caller fills server, done and
 * data before, and frees with serve_end(). */
void serve_begin(struct serve *serve, const struct http_request *request);

/* `done` is not called any more; what was being waited for goes on alone. */
void serve_cancel(struct serve *serve);

/* Whether it is doing work that is for nothing when the client leaves. */
static inline bool serve_ends_with_client(const struct serve *serve)
{
    return serve->window != NULL;
}

/* Frees plan and reply. */
void serve_end(struct serve *serve);

#endif
