/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one client's connection: bytes in, one request at a time, bytes
 * out, and a deadline for everything that waits for the client.
 *
 *   READING ─▶ SERVING ─▶ WRITING ─▶ READING (keep-alive)
 *                            └─────▶ DRAINING ─▶ closed
 *
 * Bytes behind a request wait in the buffer (and in the kernel) until its
 * answer is written. Draining reads away what the client still sends after the
 * last answer: closing at once would reset the connection and could take the
 * answer with it. Read next: http_request.h, serve.h.
 */
#ifndef PREPROF_CONN_H
#define PREPROF_CONN_H

#include <stdbool.h>

#define CONN_INPUT_SIZE (16 << 10)
#define CONN_HEAD_MS    5000  /* from the first byte to the end of a head */
#define CONN_IDLE_MS    30000 /* between two requests */
#define CONN_BODY_MS    30000 /* for a body of at most 2 MiB */
#define CONN_STALL_MS   10000 /* without a byte of the answer taken */
#define CONN_DRAIN_MS   1000
#define CONN_DRAIN_SIZE (16 << 20) /* bytes read away at most */

struct conn;
struct server;

/* Takes over the socket `fd`, unless it returns an error (-ENOMEM or what
 * libuv says). */
int conn_open(struct server *server, int fd);

/* Ends all connections that wait for a request or for a profile of some
 * seconds, and the others after their answer; `now`: also those. */
void conn_stop_all(struct server *server, bool now);

#endif
