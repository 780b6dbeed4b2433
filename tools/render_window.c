/* SPDX-License-Identifier: MIT */
/* render_window.c - see render_window.h. */
#include "render_window.h"

#include <stddef.h>
#include <unistd.h>

struct render_window *render_window_find(struct render_windows *windows,
                                         uint32_t id)
{
    for (int i = 0; i < RENDER_WINDOWS_MAX; i++)
        if (windows->list[i].id == id)
            return &windows->list[i];
    return NULL;
}

struct render_window *render_window_add(struct render_windows *windows,
                                        uint32_t id)
{
    struct render_window *window = render_window_find(windows, 0);

    if (window) {
        window->id = id;
        window->fd = -1;
        window->path[0] = '\0';
        window->first = NULL;
        window->cpu = NULL;
        window->trace = NULL;
    }
    return window;
}

void render_window_drop(struct render_window *window)
{
    (void)cpu_request_end(window->cpu);
    trace_request_free(window->trace);
    profile_free(window->first);
    if (window->fd >= 0)
        close(window->fd);
    window->id = 0;
}

void render_window_drop_all(struct render_windows *windows)
{
    for (int i = 0; i < RENDER_WINDOWS_MAX; i++)
        if (windows->list[i].id)
            render_window_drop(&windows->list[i]);
}
