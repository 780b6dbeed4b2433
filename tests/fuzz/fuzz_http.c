/* SPDX-License-Identifier: MIT */
/*
 * fuzz_http.c - a client's bytes, as far as they get without a socket: the
 * parser, who may ask, the route and its plan, the head of the answer.
 *
 * The first byte says in which pieces the others arrive. Whatever they are,
 * what is sent on to preprof-render must be the lines of one request, and an
 * answer's head must be lines of ours.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "fuzz_target.h"
#include "http_request.h"
#include "log.h"
#include "route.h"

static const struct access_rules rules = {.address = "127.0.0.1"};
static const struct site site = {
    .self = 42, .root = 42, .url = "http://localhost:8080"};

/* kind= first, no key twice, no NUL, a newline at the end. */
static void check_ask(const char *ask, size_t size)
{
    static const char *const keys[] = {
        "kind=",  "pid=", "exe=",    "format=", "debug=",
        "limit=", "hz=",  "cursor=", "symbols="};
    const unsigned key_count = sizeof(keys) / sizeof(keys[0]);
    unsigned seen = 0;

    REQUIRE(size > 0 && ask[size - 1] == '\n');
    REQUIRE(strlen(ask) == size);
    REQUIRE(strncmp(ask, "kind=", 5) == 0);
    for (const char *line = ask; *line; line = strchr(line, '\n') + 1) {
        unsigned key = 0;

        while (key < key_count &&
               strncmp(line, keys[key], strlen(keys[key])) != 0)
            key++;
        REQUIRE(key < key_count && !(seen & 1u << key));
        seen |= 1u << key;
    }
}

/* Nothing a client sent begins a line of the head. */
static void check_head(const struct reply *reply)
{
    static const char *const names[] = {
        "HTTP/1.1 ",       "Date: ",
        "Content-",        "X-Content-Type-Options: ",
        "X-Go-Pprof: 1\r", "Allow: GET",
        "Location: /",     "Connection: "};
    size_t size;
    char *head = reply_head(reply, false, true, &size);

    REQUIRE(head && strlen(head) == size);
    for (const char *line = head; *line != '\r';
         line = strstr(line, "\r\n") + 2) {
        size_t name = 0;

        while (name < 8 && strncmp(line, names[name], strlen(names[name])) != 0)
            name++;
        REQUIRE(name < 8);
    }
    free(head);
}

static void check_plan(const struct http_request *request)
{
    struct plan plan;

    route_plan(&site, request, &plan);
    if (plan.action == PLAN_RENDER || plan.action == PLAN_WINDOW)
        check_ask(plan.ask, plan.ask_size);
    else if (plan.action == PLAN_REPLY)
        check_head(&plan.reply);
    plan_free(&plan);
}

static void check_refusal(const struct http_request *request)
{
    char quoted[LOG_QUOTE_SIZE];

    REQUIRE(request->reason && request->status >= 400);
    log_quote(request->target, quoted, sizeof(quoted));
    for (const char *byte = quoted; *byte; byte++)
        REQUIRE(*byte >= ' ' && *byte <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_request request;
    const char *next = (const char *)data + 1;
    size_t piece = size ? data[0] + 1u : 1;
    const char *end = (const char *)data + size;

    http_request_init(&request);
    while (next < end) {
        size_t room = (size_t)(end - next);
        size_t taken =
            http_request_feed(&request, next, room < piece ? room : piece);
        const char *reason;
        int status;

        REQUIRE(taken <= room && taken <= piece);
        next += taken;
        if (request.state == REQUEST_ACCEPT) {
            status = access_check(&rules, &request, &reason);
            if (status)
                http_request_refuse(&request, status, reason);
            else
                route_accept(&request);
        }
        if (request.state == REQUEST_REFUSED) {
            check_refusal(&request);
            break;
        }
        if (request.state == REQUEST_DONE) {
            check_plan(&request);
            if (!request.keep_alive)
                break;
            http_request_begin(&request);
        }
    }
    http_request_free(&request);
    return 0;
}
