/* SPDX-License-Identifier: MIT */
/*
 * server.h - the parts of one server, and how it ends.
 *
 * Everything runs on one loop and one thread; what takes long is done by
 * preprof-render or on libuv's thread pool. Read next: main.c, conn.h.
 */
#ifndef PREPROF_SERVER_H
#define PREPROF_SERVER_H

#include <uv.h>

#include "access.h"
#include "allocate.h"
#include "listener.h"
#include "render_child.h"
#include "site.h"
#include "watch.h"
#include "window.h"

#define SERVER_END_MS 1000 /* for replies that are on their way */

struct conn;

struct server {
    uv_loop_t *loop;
    struct site site;
    struct access_rules access;
    struct allocate_store allocate;
    struct render_child render;
    struct windows windows;
    struct listener listener;
    struct watch watch;
    struct conn *conns; /* open ones */
    unsigned conn_count;
    bool stopping;
    uv_signal_t terminate, interrupt;
    uv_timer_t end;
};

/* Ends it: no new connections, replies on their way have SERVER_END_MS. The
 * loop runs until all is closed. */
void server_stop(struct server *server);

/* A connection is gone. */
void server_conn_closed(struct server *server);

#endif
