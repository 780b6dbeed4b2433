/* SPDX-License-Identifier: MIT */
/*
 * render_window.h - profiles of a stretch of time that has begun and not yet
 * ended: what was there at the beginning, until it is subtracted.
 *
 * A window keeps the segment's file open, so that it ends with the program it
 * began with, also when that has exited or has become another one by exec.
 * Must never wait: the server says when a window ends. Read next:
 * cpu_request.h, profile_subtract.h, render_answer.c.
 */
#ifndef PREPROF_RENDER_WINDOW_H
#define PREPROF_RENDER_WINDOW_H

#include <limits.h>
#include <stdint.h>

#include "cpu_request.h"
#include "profile.h"
#include "trace_request.h"

#define RENDER_WINDOWS_MAX 64

struct render_window {
    uint32_t id;                     /* the server's; 0: free */
    const struct profile_kind *kind; /* NULL: a trace */
    uint32_t pid;
    char path[PATH_MAX]; /* of the segment */
    int fd;              /* -1 until it is open */
    struct profile *first;
    struct cpu_request *cpu; /* of a CPU profile */
    struct trace_request *trace;
};

struct render_windows {
    struct render_window list[RENDER_WINDOWS_MAX];
};

/* A new window with this id, which is not 0 and not in use; NULL when there
 * are too many. */
struct render_window *render_window_add(struct render_windows *windows,
                                        uint32_t id);

/* NULL when there is none. */
struct render_window *render_window_find(struct render_windows *windows,
                                         uint32_t id);

/* Forgets a window and frees what it holds; ends a CPU profile
 * or a trace. */
void render_window_drop(struct render_window *window);
void render_window_drop_all(struct render_windows *windows);

#endif
