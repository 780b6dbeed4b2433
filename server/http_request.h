/* SPDX-License-Identifier: MIT */
/*
 * http_request.h - one HTTP/1 request, read from bytes as they come.
 *
 * llhttp in strict mode does the grammar; here are the limits and the refusals
 * that it leaves to its user (two Hosts, folded lines, Transfer-Encoding,
 * Upgrade, absolute targets). Never touches a socket, so a test or a fuzzer
 * feeds it as the network does. Bytes behind a complete request are not read:
 * the next request starts there.
 * Read next: conn.h feeds it, access.h and route.h judge what it found.
 *
 *   http_request_begin ─▶ REQUEST_HEAD ─feed─▶ REQUEST_ACCEPT ─accept─┐
 *                            │   ▲              (head complete)       ▼
 *                            │   └──────begin──── REQUEST_DONE ◀─feed─
 * REQUEST_BODY └─feed─▶ REQUEST_REFUSED (status, reason)
 */
#ifndef PREPROF_HTTP_REQUEST_H
#define PREPROF_HTTP_REQUEST_H

#include <llhttp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TARGET_MAX      (8u << 10)  /* bytes of path and query */
#define HTTP_FIELDS_SIZE_MAX (16u << 10) /* all names and values together */
#define HTTP_FIELDS_MAX      64
#define HTTP_VALUE_MAX       1024 /* of a field that this server looks at */
#define HTTP_NAME_MAX        32   /* longer names are none of those */

/* The fields this server looks at. */
enum http_field {
    FIELD_HOST,
    FIELD_ORIGIN,
    FIELD_FETCH_SITE,
    FIELD_AUTHORIZATION,
    FIELD_EXPECT,
    FIELD_USER_AGENT,
    FIELD_COUNT
};

enum http_state {
    REQUEST_HEAD,    /* more bytes wanted */
    REQUEST_ACCEPT,  /* the head is complete; http_request_accept() goes on */
    REQUEST_BODY,    /* more bytes wanted */
    REQUEST_DONE,    /* complete */
    REQUEST_REFUSED, /* answer with status and reason, then close */
};

struct http_request {
    enum http_state state;
    int status;                  /* when refused */
    const char *reason;          /* when refused; static */
    char peer[INET6_ADDRSTRLEN]; /* whose it is, as the connection says: an IP
                                    address; "" for a unix socket */

    /* Complete from REQUEST_ACCEPT on. */
    llhttp_method_t method;
    bool keep_alive;
    uint64_t content_length;
    size_t target_size;
    char target[HTTP_TARGET_MAX + 1]; /* as sent; NUL-terminated */
    char fields[FIELD_COUNT][HTTP_VALUE_MAX + 1];
    bool present[FIELD_COUNT];

    char *body; /* owned; NULL when there is none */
    size_t body_size;

    /* How far it was read. */
    llhttp_t parser;
    bool started; /* a byte of it has come */
    char last;    /* byte read before */
    size_t head_size;
    size_t fields_size;
    unsigned field_count;
    char name[HTTP_NAME_MAX + 1];
    size_t name_size;
    int field; /* enum http_field that is being read, or -1 */
    size_t value_size;
};

/* Makes it ready for the first request. */
void http_request_init(struct http_request *request);

/* Forgets the request before, frees its body: ready for the next one. */
void http_request_begin(struct http_request *request);

/*
 * Reads up to `size` bytes and returns how many were taken; stops where the
 * state changes. Only in the states REQUEST_HEAD and REQUEST_BODY.
 */
size_t http_request_feed(struct http_request *request, const char *data,
                         size_t size);

/*
 * In the state REQUEST_ACCEPT: go on with the body, which may have `body_max`
 * bytes. The state is then REQUEST_BODY, REQUEST_DONE when there is no body,
 * or REQUEST_REFUSED when it is too large.
 */
void http_request_accept(struct http_request *request, size_t body_max);

/* Refuses it: the state is then REQUEST_REFUSED. `reason` is static. */
void http_request_refuse(struct http_request *request, int status,
                         const char *reason);

/* The value of a field, or NULL when it was not sent. */
const char *http_request_field(const struct http_request *request,
                               enum http_field field);

/* The query as sent, without '?'; "" when there is none. */
const char *http_request_query(const struct http_request *request);

/* Frees what it owns. */
void http_request_free(struct http_request *request);

#endif
