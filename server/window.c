/* SPDX-License-Identifier: MIT */
/* window.c - see window.h. */
#include "window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct window {
    struct window *next, **link;
    struct windows *windows;
    uv_timer_t timer;
    struct render_job *job; /* NULL when none is asked */
    char *ask;
    size_t ask_size;
    uint64_t window_ms;
    uint32_t id;
    render_done *done; /* NULL: cancelled */
    void *data;
};

static void on_closed(uv_handle_t *timer)
{
    struct window *window = timer->data;

    if (window->next)
        window->next->link = window->link;
    *window->link = window->next;
    free(window->ask);
    free(window);
}

static void end(struct window *window)
{
    uv_close((uv_handle_t *)&window->timer, on_closed);
}

/* Asks for the next step; 0, -EAGAIN or -ENOMEM. */
static int ask(struct window *window, const char *step, render_done *done)
{
    char *text = NULL;
    int length = asprintf(&text, "%.*swindow=%s\nid=%" PRIu32 "\n",
                          (int)window->ask_size, window->ask, step, window->id);

    if (length < 0)
        return -ENOMEM;
    return render_child_ask(window->windows->render, text, (size_t)length, done,
                            window, &window->job);
}

static void finish(struct window *window, int status, char *body, size_t size)
{
    render_done *done = window->done;

    end(window);
    done(window->data, status, body, size);
}

/* ---- the end ----------------------------------------------------------- */

static void on_ended(void *data, int status, char *body, size_t size)
{
    finish(data, status, body, size);
}

static void on_time(uv_timer_t *timer)
{
    struct window *window = timer->data;

    /* It could not even be dropped: preprof-render has too much to do. */
    if (ask(window, "end", on_ended) != 0 &&
        uv_timer_start(timer, on_time, WINDOW_RETRY_MS, 0) != 0)
        finish(window, 503, NULL, 0);
}

static void on_begun(void *data, int status, char *body, size_t size)
{
    struct window *window = data;

    if (status != 200) {
        finish(window, status, body, size);
        return;
    }
    free(body);
    if (uv_timer_start(&window->timer, on_time, window->window_ms, 0) != 0)
        finish(window, 503, NULL, 0);
}

/* ---- begin, cancel ----------------------------------------------------- */

int window_begin(struct windows *windows, const char *ask_text, size_t size,
                 uint64_t window_ms, render_done *done, void *data,
                 struct window **made)
{
    struct window *window = calloc(1, sizeof(*window));
    int error;

    if (!window)
        return -ENOMEM;
    if (uv_timer_init(windows->loop, &window->timer) != 0) {
        free(window);
        return -ENOMEM;
    }
    if (++windows->last_id == 0)
        windows->last_id = 1;
    window->timer.data = window;
    window->windows = windows;
    window->id = windows->last_id;
    window->window_ms = window_ms;
    window->done = done;
    window->data = data;
    window->next = windows->list;
    window->link = &windows->list;
    if (window->next)
        window->next->link = &window->next;
    windows->list = window;
    window->ask = malloc(size + 1);
    if (window->ask) {
        memcpy(window->ask, ask_text, size);
        window->ask[size] = '\0';
        window->ask_size = size;
    }
    *made = window;
    error = window->ask ? ask(window, "begin", on_begun) : -ENOMEM;
    if (error) {
        *made = NULL;
        end(window);
    }
    return error;
}

static void on_dropped(void *data, int status, char *body, size_t size)
{
    (void)status, (void)size; /* what it did not know it need not drop */
    free(body);
    end(data);
}

static void drop(uv_timer_t *timer)
{
    struct window *window = timer->data;

    if (ask(window, "drop", on_dropped) != 0 &&
        uv_timer_start(timer, drop, WINDOW_RETRY_MS, 0) != 0)
        end(window);
}

void window_cancel(struct window *window)
{
    (void)uv_timer_stop(&window->timer);
    if (window->job)
        render_child_cancel(window->windows->render, window->job);
    window->job = NULL;
    window->done = NULL;
    uv_unref((uv_handle_t *)&window->timer); /* the server may end meanwhile */
    drop(&window->timer);
}
