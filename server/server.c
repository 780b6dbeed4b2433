/* SPDX-License-Identifier: MIT */
/* server.c - see server.h. */
#include "server.h"

#include "conn.h"
#include "log.h"

/* When the last connection is gone, the child goes; then the loop is empty. */
static void stop_child(struct server *server)
{
    render_child_stop(&server->render);
    if (!uv_is_closing((uv_handle_t *)&server->end))
        uv_close((uv_handle_t *)&server->end, NULL);
}

static void on_end(uv_timer_t *timer)
{
    conn_stop_all(timer->data, true);
}

void server_stop(struct server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    listener_stop(&server->listener);
    watch_stop(&server->watch);
    allocate_stop(&server->allocate);
    conn_stop_all(server, false);
    if (uv_timer_start(&server->end, on_end, SERVER_END_MS, 0) != 0)
        conn_stop_all(server, true);
    if (server->conn_count == 0)
        stop_child(server);
}

void server_conn_closed(struct server *server)
{
    server->conn_count--;
    if (!server->stopping)
        listener_update(&server->listener);
    else if (server->conn_count == 0)
        stop_child(server);
}
