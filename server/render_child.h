/* SPDX-License-Identifier: MIT */
/*
 * render_child.h - who waits for preprof-render.
 *
 * The child is started when it is first asked and again after it died. It gets
 * one request at a time; the others wait in a bounded queue. It is not
 * trusted: an answer that breaks the protocol, or none in time, ends it, and
 * its request gets a 500 that says why.
 * Read next: render_process.h, one life of the child; serve.c asks.
 */
#ifndef PREPROF_RENDER_CHILD_H
#define PREPROF_RENDER_CHILD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define RENDER_QUEUE_MAX 64  /* requests, the one in work included */
#define RENDER_TIMEOUT_S 60  /* for one answer, unless told otherwise */
#define RENDER_END_MS    500 /* from the end of its stdin to SIGKILL */

struct render_job;
struct render_process;

/*
 * Called once for a job that was not cancelled, also from within
 * render_child_ask(). `status` is an HTTP status; `body`, `size` bytes, is the
 * callee's to free. Unless status is 200 the body is a line of text without
 * newline, printable and NUL-terminated, or NULL.
 */
typedef void render_done(void *data, int status, char *body, size_t size);

struct render_child {
    uv_loop_t *loop;
    char path[PATH_MAX];
    uint64_t timeout_ms;
    uv_timer_t deadline; /* of the request in work; at the end, of the end */
    struct render_process *process;  /* NULL when none runs */
    struct render_job *first, **end; /* first: in work while `working` */
    unsigned job_count;
    uint32_t sequence;
    bool working;
    bool stopping;
};

/* Starts nothing yet. `path` is the program. Returns 0 or libuv's error. */
int render_child_init(struct render_child *child, uv_loop_t *loop,
                      const char *path, unsigned timeout_s);

/*
 * Asks; takes over `body`. *job is what render_child_cancel() takes, until
 * `done` is called, when it becomes NULL. Returns 0, -EAGAIN when the queue is
 * full, or -ENOMEM; then the body is freed and nothing is called.
 */
int render_child_ask(struct render_child *child, char *body, size_t size,
                     render_done *done, void *data, struct render_job **job);

/* Nobody waits for this job any more: its function is not called. */
void render_child_cancel(struct render_child *child, struct render_job *job);

/* Ends the child; what is not answered yet never is. The loop has something
 * to do until it has been waited for, RENDER_END_MS at most. */
void render_child_stop(struct render_child *child);

#endif
