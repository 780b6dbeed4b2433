/* SPDX-License-Identifier: MIT */
/* http_request.c - see http_request.h. */
#include "http_request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Request line, fields, and what stands around them. */
#define HEAD_SIZE_MAX (HTTP_TARGET_MAX + HTTP_FIELDS_SIZE_MAX)

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_HOST] = "Host",
    [FIELD_ORIGIN] = "Origin",
    [FIELD_FETCH_SITE] = "Sec-Fetch-Site",
    [FIELD_AUTHORIZATION] = "Authorization",
    [FIELD_EXPECT] = "Expect",
    [FIELD_USER_AGENT] = "User-Agent",
};

void http_request_refuse(struct http_request *request, int status,
                         const char *reason)
{
    request->state = REQUEST_REFUSED;
    request->status = status;
    request->reason = reason;
    request->keep_alive = false;
}

/* From a callback of llhttp: refuses, and makes llhttp_execute() return. */
static int refuse(struct http_request *request, int status, const char *reason)
{
    http_request_refuse(request, status, reason);
    return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *text, size_t size)
{
    struct http_request *request = parser->data;

    if (size > HTTP_TARGET_MAX - request->target_size)
        return refuse(request, 414, "the request line is longer than 8 KiB");
    memcpy(request->target + request->target_size, text, size);
    request->target_size += size;
    return 0;
}

static int count_fields(struct http_request *request, size_t size)
{
    request->fields_size += size;
    if (request->fields_size > HTTP_FIELDS_SIZE_MAX)
        return refuse(request, 431, "the header is larger than 16 KiB");
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *text, size_t size)
{
    struct http_request *request = parser->data;
    size_t room = HTTP_NAME_MAX - request->name_size;

    /* What is cut off a long name does not matter: none of ours is as long. */
    memcpy(request->name + request->name_size, text, size < room ? size : room);
    request->name_size += size < room ? size : room;
    return count_fields(request, size);
}

/* A second field of a kind is refused: two readers of the same request could
 * believe different ones. */
static int on_header_field_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    if (++request->field_count > HTTP_FIELDS_MAX)
        return refuse(request, 431, "the header has more than 64 fields");
    request->name[request->name_size] = '\0';
    request->name_size = 0;
    request->value_size = 0;
    request->field = -1;
    for (int i = 0; i < FIELD_COUNT; i++)
        if (strcasecmp(request->name, field_names[i]) == 0)
            request->field = i;
    if (request->field < 0)
        return 0;
    if (request->present[request->field])
        return refuse(request, 400,
                      request->field == FIELD_HOST
                          ? "more than one Host"
                          : "a header field is repeated");
    request->present[request->field] = true;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *text, size_t size)
{
    struct http_request *request = parser->data;
    char *value;

    if (request->field >= 0) {
        if (size > HTTP_VALUE_MAX - request->value_size)
            return refuse(request, 431, "a header field is longer than 1 KiB");
        value = request->fields[request->field];
        memcpy(value + request->value_size, text, size);
        request->value_size += size;
        value[request->value_size] = '\0';
    }
    return count_fields(request, size);
}

/* llhttp leaves white space behind a value in it. */
static int on_header_value_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;
    char *value;

    if (request->field < 0)
        return 0;
    value = request->fields[request->field];
    while (request->value_size > 0 &&
           strchr(" \t", value[request->value_size - 1]))
        value[--request->value_size] = '\0';
    return 0;
}

static bool is_spoken(const llhttp_t *parser)
{
    return parser->http_major == 1 && parser->http_minor <= 1;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    request->target[request->target_size] = '\0';
    request->method = parser->method;
    request->keep_alive = llhttp_should_keep_alive(parser);
    request->content_length = parser->content_length;
    if (!is_spoken(parser))
        return refuse(request, 505, "only HTTP/1.0 and HTTP/1.1 are spoken");
    if (request->target[0] != '/' && parser->method != HTTP_CONNECT)
        return refuse(request, 400, "the target does not begin with '/'");
    if (parser->http_minor == 1 && !request->present[FIELD_HOST])
        return refuse(request, 400, "no Host");
    if (parser->flags & F_TRANSFER_ENCODING)
        return refuse(request, 411,
                      "Transfer-Encoding is not taken; send Content-Length");
    if (parser->upgrade && parser->method != HTTP_CONNECT)
        return refuse(request, 400, "there is nothing to upgrade to");
    if (request->present[FIELD_EXPECT] &&
        strcasecmp(request->fields[FIELD_EXPECT], "100-continue") != 0)
        return refuse(request, 417, "Expect knows 100-continue only");
    request->state = REQUEST_ACCEPT;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *data, size_t size)
{
    struct http_request *request = parser->data;

    /* llhttp gives no more than content_length, which was allocated */
    memcpy(request->body + request->body_size, data, size);
    request->body_size += size;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;

    request->state = REQUEST_DONE;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_request_init(struct http_request *request)
{
    request->body = NULL;
    http_request_begin(request);
}

void http_request_begin(struct http_request *request)
{
    free(request->body);
    memset(request, 0, sizeof(*request));
    request->field = -1;
    /* A parser of its own for each request: nothing of one reaches the next. */
    llhttp_init(&request->parser, HTTP_REQUEST, &callbacks);
    request->parser.data = request;
}

static void refuse_malformed(struct http_request *request, llhttp_errno_t error)
{
    /* llhttp 9 calls the version wrong when the line's end behind it is */
    if (error == HPE_INVALID_VERSION && is_spoken(&request->parser))
        error = HPE_LF_EXPECTED;
    switch (error) {
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        http_request_refuse(request, 505,
                            "only HTTP/1.0 and HTTP/1.1 are spoken");
        break;
    case HPE_INVALID_METHOD:
        http_request_refuse(request, 400, "no such method");
        break;
    default:
        http_request_refuse(request, 400,
                            llhttp_get_error_reason(&request->parser));
    }
}

/* llhttp 8.1 reads a folded line as part of the value before it, so that a
 * ` Content-Length: 5` in front of it is seen by others, not by us. */
static bool is_folded(struct http_request *request, const char *data,
                      size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (request->last == '\n' && (data[i] == ' ' || data[i] == '\t'))
            return true;
        request->last = data[i];
    }
    return false;
}

size_t http_request_feed(struct http_request *request, const char *data,
                         size_t size)
{
    bool in_head = request->state == REQUEST_HEAD;
    size_t taken = size;
    llhttp_errno_t error;

    if (size == 0)
        return 0;
    request->started = true;
    error = llhttp_execute(&request->parser, data, size);
    if (error != HPE_OK)
        taken = (size_t)(llhttp_get_error_pos(&request->parser) - data);
    if (error == HPE_PAUSED)
        llhttp_resume(&request->parser);
    else if (error != HPE_OK && request->state != REQUEST_REFUSED)
        refuse_malformed(request, error);
    if (in_head && request->state != REQUEST_REFUSED) {
        request->head_size += taken;
        if (is_folded(request, data, taken))
            http_request_refuse(request, 400, "a header line is folded");
        else if (request->head_size > HEAD_SIZE_MAX)
            http_request_refuse(request, 431,
                                "the header is larger than 16 KiB");
    }
    return taken;
}

void http_request_accept(struct http_request *request, size_t body_max)
{
    if (request->content_length > body_max) {
        http_request_refuse(request, 413,
                            body_max ? "the body is too large"
                                     : "a body is not taken here");
        return;
    }
    if (request->content_length == 0) {
        request->state = REQUEST_DONE;
        return;
    }
    request->body = malloc(request->content_length);
    if (!request->body)
        http_request_refuse(request, 503, "out of memory");
    else
        request->state = REQUEST_BODY;
}

const char *http_request_field(const struct http_request *request,
                               enum http_field field)
{
    return request->present[field] ? request->fields[field] : NULL;
}

const char *http_request_query(const struct http_request *request)
{
    const char *mark = strchr(request->target, '?');

    return mark ? mark + 1 : "";
}

void http_request_free(struct http_request *request)
{
    free(request->body);
    request->body = NULL;
}
