/* SPDX-License-Identifier: MIT */
/* conn.c - see conn.h. */
#include "conn.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "access.h"
#include "address.h"
#include "http_request.h"
#include "log.h"
#include "serve.h"
#include "server.h"

enum phase { READING, SERVING, WRITING, DRAINING, CLOSING };

struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_timer_t timer;
    unsigned open_handles;
    struct server *server;
    struct conn *next, **link;
    enum phase phase;
    bool ended; /* the client sends no more */
    struct address peer;
    struct http_request request;
    struct serve serve;
    bool keep_alive; /* after the answer */
    char *head;      /* of the answer */
    uv_write_t write;
    uv_shutdown_t shutdown;
    size_t unsent;  /* bytes, when the deadline was set */
    size_t drained; /* bytes read away */
    size_t input_size;
    char input[CONN_INPUT_SIZE];
};

static void on_close(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    struct server *server = conn->server;

    if (--conn->open_handles > 0)
        return;
    if (conn->next)
        conn->next->link = conn->link;
    *conn->link = conn->next;
    http_request_free(&conn->request);
    serve_end(&conn->serve);
    free(conn->head);
    free(conn);
    server_conn_closed(server);
}

static void conn_close(struct conn *conn)
{
    if (conn->phase == CLOSING)
        return;
    if (conn->phase == SERVING)
        serve_cancel(&conn->serve);
    conn->phase = CLOSING;
    uv_close(&conn->socket.handle, on_close);
    uv_close((uv_handle_t *)&conn->timer, on_close);
}

static void on_deadline(uv_timer_t *timer);

static void set_deadline(struct conn *conn, uint64_t ms)
{
    if (uv_timer_start(&conn->timer, on_deadline, ms, 0) != 0)
        conn_close(conn);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct conn *conn = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(conn->input + conn->input_size,
                          (unsigned)(CONN_INPUT_SIZE - conn->input_size));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);

static void start_reading(struct conn *conn)
{
    int error;

    if (conn->ended)
        return;
    error = uv_read_start(&conn->socket.stream, on_alloc, on_read);
    if (error && error != UV_EALREADY)
        conn_close(conn);
}

/* The answer is out and was the last one: waits for the client to close. */
static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct conn *conn = shutdown->handle->data;

    if (status < 0 || conn->ended)
        conn_close(conn);
}

static void drain(struct conn *conn)
{
    conn->phase = DRAINING;
    conn->input_size = 0;
    set_deadline(conn, CONN_DRAIN_MS);
    start_reading(conn);
    if (conn->phase == DRAINING &&
        uv_shutdown(&conn->shutdown, &conn->socket.stream, on_shutdown) != 0)
        conn_close(conn);
}

static void advance(struct conn *conn);

static void next_request(struct conn *conn)
{
    http_request_begin(&conn->request);
    conn->phase = READING;
    if (conn->ended && conn->input_size == 0) {
        conn_close(conn);
        return;
    }
    set_deadline(conn, CONN_IDLE_MS);
    start_reading(conn);
    advance(conn);
}

static void on_written(uv_write_t *write, int status)
{
    struct conn *conn = write->handle->data;

    if (conn->phase == CLOSING)
        return;
    free(conn->head);
    conn->head = NULL;
    serve_end(&conn->serve);
    if (status < 0)
        conn_close(conn);
    else if (conn->keep_alive && !conn->server->stopping)
        next_request(conn);
    else
        drain(conn);
}

/* Sends serve.reply. */
static void send_reply(struct conn *conn)
{
    const struct reply *reply = &conn->serve.reply;
    bool http_1_0 = conn->request.parser.http_minor == 0;
    uv_buf_t buffers[2];
    unsigned count = 1;
    size_t size;

    conn->phase = WRITING;
    conn->keep_alive = conn->request.keep_alive && !conn->server->stopping;
    conn->head = reply_head(reply, http_1_0, conn->keep_alive, &size);
    if (!conn->head) {
        conn_close(conn);
        return;
    }
    buffers[0] = uv_buf_init(conn->head, (unsigned)size);
    if (reply->size && conn->request.method != HTTP_HEAD)
        buffers[count++] = uv_buf_init(reply->body, (unsigned)reply->size);
    if (uv_write(&conn->write, &conn->socket.stream, buffers, count,
                 on_written) != 0) {
        conn_close(conn);
        return;
    }
    conn->unsent = uv_stream_get_write_queue_size(&conn->socket.stream);
    set_deadline(conn, CONN_STALL_MS);
}

static void on_served(struct serve *serve)
{
    send_reply(serve->data);
}

/* The request is refused by what it is, not by what it asks for. */
static void refuse(struct conn *conn)
{
    const struct http_request *request = &conn->request;
    char peer[ADDRESS_TEXT_MAX];

    address_text(&conn->peer, peer);
    log_refusal(uv_now(conn->server->loop), peer, request->status,
                request->reason, request->target);
    reply_line(&conn->serve.reply, request->status, "%s", request->reason);
    send_reply(conn);
}

/* The head is there: may it ask, and may it send a body? */
static void judge(struct conn *conn)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_request *request = &conn->request;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)go_on, sizeof(go_on) - 1);
    const char *reason;
    int status = access_check(&conn->server->access, request, &reason);

    if (status)
        http_request_refuse(request, status, reason);
    else
        route_accept(request);
    if (request->state != REQUEST_BODY)
        return;
    set_deadline(conn, CONN_BODY_MS);
    /* Nothing is being written now, so these few bytes go out at once; a
     * client that does not get them sends the body all the same. */
    if (http_request_field(request, FIELD_EXPECT) && conn->input_size == 0)
        (void)uv_try_write(&conn->socket.stream, &buffer, 1);
}

static void take_input(struct conn *conn)
{
    bool was_started = conn->request.started;
    size_t taken =
        http_request_feed(&conn->request, conn->input, conn->input_size);

    conn->input_size -= taken;
    memmove(conn->input, conn->input + taken, conn->input_size);
    if (!was_started)
        set_deadline(conn, CONN_HEAD_MS);
}

/* Reads on in what has come, up to the end of one request. */
static void advance(struct conn *conn)
{
    struct http_request *request = &conn->request;

    while (conn->phase == READING && conn->input_size > 0 &&
           (request->state == REQUEST_HEAD || request->state == REQUEST_BODY)) {
        take_input(conn);
        if (request->state == REQUEST_ACCEPT)
            judge(conn);
    }
    if (conn->phase != READING)
        return;
    if (request->state == REQUEST_REFUSED) {
        refuse(conn);
    } else if (request->state == REQUEST_DONE) {
        conn->phase = SERVING;
        (void)uv_timer_stop(&conn->timer);
        conn->serve.server = conn->server;
        conn->serve.done = on_served;
        conn->serve.data = conn;
        serve_begin(&conn->serve, request);
        if (conn->phase == SERVING && conn->ended &&
            serve_ends_with_client(&conn->serve))
            conn_close(conn);
    } else if (conn->ended) {
        conn_close(conn); /* in the middle of a request, or between two */
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct conn *conn = stream->data;

    (void)buffer;
    if (size < 0) {
        (void)uv_read_stop(stream);
        conn->ended = true;
        /* Who has sent all may still want the answer (nc does), but not make
         * a program be profiled for long: there, leaving looks the same. */
        if (size != UV_EOF || conn->phase == DRAINING ||
            (conn->phase == SERVING && serve_ends_with_client(&conn->serve)))
            conn_close(conn);
        else
            advance(conn);
        return;
    }
    if (conn->phase == DRAINING) {
        conn->drained += (size_t)size;
        if (conn->drained > CONN_DRAIN_SIZE)
            conn_close(conn);
        return;
    }
    conn->input_size += (size_t)size;
    advance(conn);
    if (conn->phase != CLOSING && conn->input_size == CONN_INPUT_SIZE)
        (void)uv_read_stop(stream);
}

static void refuse_late(struct conn *conn)
{
    http_request_refuse(&conn->request, 408, "the request did not come whole");
    refuse(conn);
}

static void on_deadline(uv_timer_t *timer)
{
    struct conn *conn = timer->data;
    size_t unsent = uv_stream_get_write_queue_size(&conn->socket.stream);

    if (conn->phase == READING && conn->request.started) {
        refuse_late(conn);
    } else if (conn->phase == WRITING && unsent < conn->unsent) {
        conn->unsent = unsent;
        set_deadline(conn, CONN_STALL_MS);
    } else {
        conn_close(conn);
    }
}

/* These only fill structs, up to uv_..._open(). */
static int init_handles(struct conn *conn, bool local)
{
    uv_loop_t *loop = conn->server->loop;
    int error = local ? uv_pipe_init(loop, &conn->socket.pipe, 0)
                      : uv_tcp_init(loop, &conn->socket.tcp);

    return error ? error : uv_timer_init(loop, &conn->timer);
}

static int open_socket(struct conn *conn, int fd, bool local)
{
    int error;

    if (local)
        return uv_pipe_open(&conn->socket.pipe, fd);
    error = uv_tcp_open(&conn->socket.tcp, fd);
    if (!error) /* faster, and right without it */
        (void)uv_tcp_nodelay(&conn->socket.tcp, 1);
    return error;
}

int conn_open(struct server *server, int fd)
{
    bool local = server->listener.address.any.sa_family == AF_UNIX;
    struct conn *conn = calloc(1, sizeof(*conn));
    int error;

    if (!conn)
        return -ENOMEM;
    conn->server = server;
    error = init_handles(conn, local);
    if (error) {
        free(conn);
        return error;
    }
    conn->open_handles = 2;
    conn->socket.handle.data = conn;
    conn->timer.data = conn;
    conn->next = server->conns;
    conn->link = &server->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    server->conns = conn;
    server->conn_count++;
    http_request_init(&conn->request);
    error = open_socket(conn, fd, local);
    if (error) {
        conn_close(conn);
        return error;
    }
    /* A client that is gone already has no address. */
    conn->peer.size = sizeof(conn->peer.local);
    (void)getpeername(fd, &conn->peer.any, &conn->peer.size);
    address_host(&conn->peer, conn->request.peer);
    set_deadline(conn, CONN_HEAD_MS);
    start_reading(conn);
    return 0;
}

void conn_stop_all(struct server *server, bool now)
{
    struct conn *next;

    for (struct conn *conn = server->conns; conn; conn = next) {
        next = conn->next;
        if (now || (conn->phase == READING && !conn->request.started) ||
            (conn->phase == SERVING && serve_ends_with_client(&conn->serve)))
            conn_close(conn);
    }
}
