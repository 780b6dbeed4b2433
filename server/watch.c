/* SPDX-License-Identifier: MIT */
/* watch.c - see watch.h. */
#include "watch.h"

#include <errno.h>
#include <sys/pidfd.h>
#include <unistd.h>

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;

    (void)status; /* an error of the descriptor ends us as well */
    (void)events;
    (void)uv_poll_stop(poll);
    watch->ended(watch->data);
}

static void on_close(uv_handle_t *handle)
{
    struct watch *watch = handle->data;

    (void)close(watch->fd);
    watch->fd = -1;
}

int watch_start(struct watch *watch, uv_loop_t *loop, pid_t pid,
                void (*ended)(void *data), void *data)
{
    int error;

    watch->ended = ended;
    watch->data = data;
    watch->fd = pidfd_open(pid, 0);
    if (watch->fd < 0)
        return -errno;
    error = uv_poll_init(loop, &watch->poll, watch->fd);
    if (error) {
        (void)close(watch->fd);
        watch->fd = -1;
        return error;
    }
    watch->poll.data = watch;
    return uv_poll_start(&watch->poll, UV_READABLE, on_poll);
}

void watch_stop(struct watch *watch)
{
    if (watch->fd >= 0 && !uv_is_closing((uv_handle_t *)&watch->poll))
        uv_close((uv_handle_t *)&watch->poll, on_close);
}
