/* SPDX-License-Identifier: MIT */
/* reply.c - see reply.h. */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "html.h"

/* Nothing but the style of the page itself, whatever slips through escaping. */
#define PAGE_POLICY                                                            \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "         \
    "form-action 'none'; frame-ancestors 'none'"

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 301:
        return "Moved Permanently";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 417:
        return "Expectation Failed";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

FILE *reply_begin(struct reply *reply, int status, const char *type)
{
    *reply = (struct reply){.status = status, .type = type};
    return open_memstream(&reply->body, &reply->size);
}

void reply_end(struct reply *reply, FILE *out)
{
    if (out && fclose(out) == 0)
        return;
    free(reply->body);
    *reply = (struct reply){.status = 503, .type = TEXT_PLAIN};
}

static void set_line(struct reply *reply, int status, const char *format,
                     va_list arguments)
{
    FILE *out = reply_begin(reply, status, TEXT_PLAIN);

    if (out) {
        vfprintf(out, format, arguments);
        putc('\n', out);
    }
    reply_end(reply, out);
}

void reply_line(struct reply *reply, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_line(reply, status, format, arguments);
    va_end(arguments);
}

void reply_pprof_error(struct reply *reply, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_line(reply, status, format, arguments);
    va_end(arguments);
    reply->pprof_error = true;
}

void reply_body(struct reply *reply, const char *type, char *body, size_t size)
{
    *reply =
        (struct reply){.status = 200, .type = type, .body = body, .size = size};
}

void reply_redirect(struct reply *reply, char *location)
{
    FILE *out = reply_begin(reply, 301, TEXT_HTML);

    if (out) {
        fputs("<a href=\"", out);
        html_escape(out, location);
        fputs("\">Moved Permanently</a>.\n\n", out);
    }
    reply_end(reply, out);
    reply->location = location;
}

char *reply_head(const struct reply *reply, bool http_1_0, bool keep_alive,
                 size_t *size)
{
    char *head = NULL;
    char date[64];
    time_t now = time(NULL);
    struct tm utc;
    FILE *out = open_memstream(&head, size);

    if (!out)
        return NULL;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT",
             gmtime_r(&now, &utc));
    fprintf(out,
            "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n"
            "Content-Length: %zu\r\nX-Content-Type-Options: nosniff\r\n",
            reply->status, status_text(reply->status), date, reply->type,
            reply->size);
    if (reply->attachment)
        fprintf(out, "Content-Disposition: attachment; filename=\"%s\"\r\n",
                reply->attachment);
    if (strcmp(reply->type, TEXT_HTML) == 0)
        fputs("Content-Security-Policy: " PAGE_POLICY "\r\n", out);
    if (reply->pprof_error)
        fputs("X-Go-Pprof: 1\r\n", out);
    if (reply->allow)
        fprintf(out, "Allow: %s\r\n", reply->allow);
    if (reply->location)
        fprintf(out, "Location: %s\r\n", reply->location);
    if (reply->status == 401)
        fputs("WWW-Authenticate: Basic realm=\"preprof\"\r\n", out);
    if (!keep_alive)
        fputs("Connection: close\r\n", out);
    else if (http_1_0)
        fputs("Connection: keep-alive\r\n", out);
    fputs("\r\n", out);
    if (fclose(out) != 0) {
        free(head);
        return NULL;
    }
    return head;
}

void reply_free(struct reply *reply)
{
    free(reply->body);
    free(reply->location);
    *reply = (struct reply){0};
}
