/* SPDX-License-Identifier: MIT */
/* listener.c - see listener.h. */
#include "listener.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"
#include "server.h"

#define ACCEPTS_PER_EVENT 16 /* so that a flood leaves time for the others */

/* A socket that its server left behind when it was killed: nobody answers.
 * (Nor does a file of another kind, with the same error.) */
static bool is_stale(const struct address *address)
{
    struct stat file;
    bool refused;
    int fd;

    if (lstat(address->local.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    refused =
        connect(fd, &address->any, address->size) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

/* A unix socket is for this user alone. */
static int bind_local(int fd, const struct address *address)
{
    mode_t mask = umask(0177);
    int result = bind(fd, &address->any, address->size);

    if (result != 0 && errno == EADDRINUSE) {
        if (is_stale(address) && unlink(address->local.sun_path) == 0)
            result = bind(fd, &address->any, address->size);
        else
            errno = EADDRINUSE;
    }
    (void)umask(mask);
    return result;
}

static int bind_port(int fd, const struct address *address)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return -1;
    return bind(fd, &address->any, address->size);
}

int listener_bind(struct address *address)
{
    int (*bind_to)(int, const struct address *) =
        address->any.sa_family == AF_UNIX ? bind_local : bind_port;
    int fd = socket(address->any.sa_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (fd < 0)
        return -errno;
    if (bind_to(fd, address) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, &address->any, &address->size) != 0) {
        error = -errno;
        (void)close(fd);
        return error;
    }
    return fd;
}

static void on_pause_over(uv_timer_t *timer)
{
    listener_update(timer->data);
}

/* An error of accept() that passes only when somebody gives something back. */
static void pause_accepting(struct listener *listener, int error)
{
    static bool said;

    if (!said) /* once is enough to know */
        log_line("accept: %s; trying again every %d ms", uv_strerror(error),
                 LISTENER_PAUSE_MS);
    said = true;
    (void)uv_poll_stop(&listener->poll);
    if (uv_timer_start(&listener->pause, on_pause_over, LISTENER_PAUSE_MS, 0) !=
        0)
        listener_update(listener);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    int fd, error;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        if (listener->server->conn_count >= listener->conns_max)
            break;
        fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            error = -errno;
            if (error == -ECONNABORTED || error == -EINTR)
                continue;
            if (error != -EAGAIN)
                pause_accepting(listener, error);
            return;
        }
        error = conn_open(listener->server, fd);
        if (error) {
            (void)close(fd);
            pause_accepting(listener, error);
            return;
        }
    }
    listener_update(listener);
}

void listener_update(struct listener *listener)
{
    bool room = listener->server->conn_count < listener->conns_max;
    int error = 0;

    if (listener->closing || uv_is_active((uv_handle_t *)&listener->pause))
        return;
    if (!room)
        error = uv_poll_stop(&listener->poll);
    else if (!uv_is_active((uv_handle_t *)&listener->poll))
        error = uv_poll_start(&listener->poll, UV_READABLE, on_connection);
    if (error)
        log_line("listening: %s", uv_strerror(error));
}

int listener_start(struct listener *listener, struct server *server, int fd,
                   const struct address *address)
{
    struct rlimit files;
    int error;

    listener->server = server;
    listener->fd = fd;
    listener->address = *address;
    listener->closing = false;
    listener->conns_max = LISTENER_CONNS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
        files.rlim_cur < LISTENER_CONNS_MAX + LISTENER_FDS_OTHER)
        listener->conns_max =
            files.rlim_cur > LISTENER_FDS_OTHER
                ? (unsigned)files.rlim_cur - LISTENER_FDS_OTHER
                : 1;
    error = uv_timer_init(server->loop, &listener->pause);
    if (!error)
        error = uv_poll_init(server->loop, &listener->poll, fd);
    if (error)
        return error;
    listener->poll.data = listener;
    listener->pause.data = listener;
    return uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

static void on_close(uv_handle_t *handle)
{
    struct listener *listener = handle->data;

    (void)close(listener->fd);
    if (listener->address.any.sa_family == AF_UNIX)
        (void)unlink(listener->address.local.sun_path);
}

void listener_stop(struct listener *listener)
{
    listener->closing = true;
    uv_close((uv_handle_t *)&listener->poll, on_close);
    uv_close((uv_handle_t *)&listener->pause, NULL);
}
