/* SPDX-License-Identifier: MIT */
/*
 * listener.h - the listening socket.
 *
 * It is polled and accepted from here instead of by uv_listen(), which spins
 * when file descriptors run out (hazards I5). While there are as many
 * connections as may be, nobody is accepted: the kernel's backlog waits.
 */
#ifndef PREPROF_LISTENER_H
#define PREPROF_LISTENER_H

#include <stdbool.h>
#include <uv.h>

#include "address.h"

#define LISTENER_CONNS_MAX 1024
#define LISTENER_FDS_OTHER 20  /* descriptors that are not connections */
#define LISTENER_PAUSE_MS  100 /* after descriptors or memory ran out */

struct server;

struct listener {
    uv_poll_t poll;
    uv_timer_t pause;
    int fd;
    struct address address;
    unsigned conns_max;
    bool closing;
    struct server *server;
};

/* Binds and listens. Returns the socket or -errno; *address then has the port
 * that was bound. A unix socket is made with mode 0600, in place of one that
 * nobody listens on, and removed at the end. Touches no loop. */
int listener_bind(struct address *address);

/* Accepts on `fd`, which is bound to `address`, from now on. Returns 0 or
 * libuv's error. */
int listener_start(struct listener *listener, struct server *server, int fd,
                   const struct address *address);

/* There is room again, or there is none: looks at server->conn_count. */
void listener_update(struct listener *listener);

void listener_stop(struct listener *listener);

#endif
