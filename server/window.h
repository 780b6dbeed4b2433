/* SPDX-License-Identifier: MIT */
/*
 * window.h - profiles that take a while: asks preprof-render to begin, waits,
 * asks it to end. Nothing but a timer runs in between, and any number of them
 * side by side.
 *
 *   BEGINNING --begun--> WAITING --window_ms later--> ENDING --> done
 *        └──────── cancelled ──────┴──────────────────┴─> DROPPING --> gone
 *
 * A window that is cancelled is dropped over there, too: a program is not
 * profiled for a client that has left. Read next: render.h (key `window`),
 * serve.c.
 */
#ifndef PREPROF_WINDOW_H
#define PREPROF_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "render_child.h"

/* When the queue is full and it must be dropped. */
#define WINDOW_RETRY_MS 100

struct window;

struct windows {
    uv_loop_t *loop;
    struct render_child *render;
    struct window *list;
    uint32_t last_id;
};

/*
 * Begins. `ask` is a request of render.h without `window` and `id`; it is
 * copied. `done` is called as render_child.h says, once, with the profile or
 * the first thing that went wrong, unless the window is cancelled. Returns 0,
 * -EAGAIN when too many requests wait, or -ENOMEM; nothing is called then.
 */
int window_begin(struct windows *windows, const char *ask, size_t size,
                 uint64_t window_ms, render_done *done, void *data,
                 struct window **window);

void window_cancel(struct window *window);

#endif
