/* SPDX-License-Identifier: MIT */
/*
 * reply.h - an HTTP answer before it is sent.
 *
 * Headers hold nothing that a client sent, but for the query of a redirect,
 * which the parser has proven to be printable. Read next: conn.c sends it.
 */
#ifndef PREPROF_REPLY_H
#define PREPROF_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML  "text/html; charset=utf-8"

struct reply {
    int status;
    const char *type;       /* Content-Type; static */
    const char *attachment; /* file name for the client, or NULL; static */
    const char *allow;      /* methods, of a 405; static */
    char *location;         /* of a redirect; owned */
    bool pprof_error;       /* go tool pprof shall show the body */
    char *body;             /* owned */
    size_t size;
};

/*
 * Begins an answer whose body is written to what this returns and ended with
 * reply_end(). `type` is static. NULL when memory is out, which reply_end()
 * takes, too.
 */
FILE *reply_begin(struct reply *reply, int status, const char *type);

/* Ends it; without a body, and with status 503, when memory was out. */
void reply_end(struct reply *reply, FILE *out);

/* An answer of one line of text: `format` as printf's, without newline. */
void reply_line(struct reply *reply, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same as Go's pprof sends its errors. */
void reply_pprof_error(struct reply *reply, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An answer with a body, which it takes over (may be NULL when size is 0). */
void reply_body(struct reply *reply, const char *type, char *body, size_t size);

/* 301 to `location`, which it takes over. */
void reply_redirect(struct reply *reply, char *location);

/*
 * The head as sent: the caller frees it. NULL when memory is out. `http_1_0`
 * as the request was, `keep_alive` as it will be.
 */
char *reply_head(const struct reply *reply, bool http_1_0, bool keep_alive,
                 size_t *size);

/* Frees what it owns. */
void reply_free(struct reply *reply);

#endif
