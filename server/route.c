/* SPDX-License-Identifier: MIT */
/* route.c - see route.h. */
#include "route.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "ask.h"
#include "hello.h"
#include "pprof.h"
#include "query.h"

#define PID_DIGITS_MAX 7 /* the kernel's PID_MAX_LIMIT is 2^22 */

enum endpoint {
    ENDPOINT_NONE,
    ENDPOINT_HELLO,
    ENDPOINT_ALLOCATE,
    ENDPOINT_ALLOCATE2,
    ENDPOINT_PROCESSES,
    ENDPOINT_VARS,
    ENDPOINT_INDEX,
    ENDPOINT_PPROF,      /* name is what follows /debug/pprof/ */
    ENDPOINT_GPERFTOOLS, /* name is what follows /pprof/ */
    ENDPOINT_MOVED,      /* name is where, below the process */
};

struct route {
    enum endpoint endpoint;
    pid_t pid;                          /* named in the path, or 0 */
    char program[PROGRAM_NAME_MAX + 1]; /* named in the path, or "" */
    const char *name;
    char path[HTTP_TARGET_MAX + 1]; /* decoded */
};

static const struct {
    const char *path;
    enum endpoint endpoint;
} top_level[] = {
    {"/", ENDPOINT_HELLO},
    {"/allocate", ENDPOINT_ALLOCATE},
    {"/allocate2", ENDPOINT_ALLOCATE2},
    {"/pid/", ENDPOINT_PROCESSES},
};

/* Takes "/pid/N" off the path. */
static const char *read_pid(const char *path, pid_t *pid)
{
    size_t digits;

    if (strncmp(path, "/pid/", 5) != 0)
        return path;
    digits = strspn(path + 5, "0123456789");
    if (digits == 0 || digits > PID_DIGITS_MAX || path[5] == '0')
        return path;
    *pid = (pid_t)strtol(path + 5, NULL, 10);
    return path + 5 + digits;
}

/* Takes "/exe/NAME" off the path. */
static const char *read_program(const char *path, char *program)
{
    size_t length;

    if (strncmp(path, "/exe/", 5) != 0)
        return path;
    length = strcspn(path + 5, "/");
    if (length == 0 || length > PROGRAM_NAME_MAX)
        return path;
    for (size_t i = 0; i < length; i++)
        if (iscntrl((unsigned char)path[5 + i]))
            return path;
    memcpy(program, path + 5, length);
    program[length] = '\0';
    return path + 5 + length;
}

static bool names_process(const struct route *route)
{
    return route->pid || route->program[0];
}

static void find_below_process(struct route *route, const char *path)
{
    if (strcmp(path, "/debug/pprof") == 0 ||
        (names_process(route) && (*path == '\0' || strcmp(path, "/") == 0))) {
        route->endpoint = ENDPOINT_MOVED;
        route->name = "/debug/pprof/";
    } else if (strcmp(path, "/debug/vars") == 0) {
        route->endpoint = ENDPOINT_VARS;
    } else if (strncmp(path, "/debug/pprof/", 13) == 0) {
        route->name = path + 13;
        route->endpoint = *route->name ? ENDPOINT_PPROF : ENDPOINT_INDEX;
    } else if (strncmp(path, "/pprof/", 7) == 0 && path[7]) {
        route->name = path + 7;
        route->endpoint = ENDPOINT_GPERFTOOLS;
    }
}

static void find_route(const struct http_request *request, struct route *route)
{
    const char *below;

    route->endpoint = ENDPOINT_NONE;
    route->pid = 0;
    route->program[0] = '\0';
    route->name = "";
    if (query_decode(request->target, strcspn(request->target, "?"), false,
                     route->path) < 0)
        return;
    for (size_t i = 0; i < sizeof(top_level) / sizeof(top_level[0]); i++)
        if (strcmp(route->path, top_level[i].path) == 0)
            route->endpoint = top_level[i].endpoint;
    if (strcmp(route->path, "/pid") == 0) {
        route->endpoint = ENDPOINT_MOVED;
        route->name = "/pid/";
    }
    if (route->endpoint == ENDPOINT_NONE) {
        below = read_pid(route->path, &route->pid);
        if (!route->pid)
            below = read_program(below, route->program);
        find_below_process(route, below);
    }
}

static bool is_symbol(const struct route *route)
{
    return (route->endpoint == ENDPOINT_PPROF ||
            route->endpoint == ENDPOINT_GPERFTOOLS) &&
           strcmp(route->name, "symbol") == 0;
}

static bool takes_method(const struct route *route, llhttp_method_t method)
{
    return method == HTTP_GET || method == HTTP_HEAD ||
           (method == HTTP_POST && is_symbol(route));
}

void route_accept(struct http_request *request)
{
    struct route route;

    find_route(request, &route);
    if (takes_method(&route, request->method)) {
        http_request_accept(request,
                            request->method == HTTP_POST ? SYMBOL_BODY_MAX : 0);
        return;
    }
    /* The plan will be to say no, so what follows need not be read. */
    request->keep_alive = false;
    request->state = REQUEST_DONE;
}

static void plan_moved(const struct route *route, const char *query,
                       struct plan *plan)
{
    char *location = NULL;
    char process[sizeof("/exe/") + 3 * PROGRAM_NAME_MAX] = "";

    if (route->pid) {
        snprintf(process, sizeof(process), "/pid/%d", (int)route->pid);
    } else if (route->program[0]) {
        strcpy(process, "/exe/");
        query_encode(route->program, process + strlen(process));
    }
    if (asprintf(&location, "%s%s%s%s", process, route->name, *query ? "?" : "",
                 query) < 0)
        reply_line(&plan->reply, 503, "out of memory");
    else
        reply_redirect(&plan->reply, location);
}

static void plan_processes(const struct site *site, struct plan *plan)
{
    plan->answer = ANSWER_PROCESSES;
    ask_write(plan, site, "list", 0, "");
}

static void plan_vars(const struct site *site, pid_t pid, struct plan *plan)
{
    plan->answer = ANSWER_VARS;
    if (pid == site->self && site->unprofiled)
        reply_line(&plan->reply, 503, "%s", site->unprofiled);
    else
        ask_write(plan, site, "vars", pid, "");
}

void route_plan(const struct site *site, const struct http_request *request,
                struct plan *plan)
{
    const char *query = http_request_query(request);
    struct route route;
    pid_t pid;

    *plan = (struct plan){.action = PLAN_REPLY};
    find_route(request, &route);
    pid = names_process(&route) ? route.pid : site->root;
    strcpy(plan->program, route.program);
    if (site->only && !names_process(&route) &&
        route.endpoint != ENDPOINT_PROCESSES) {
        pid = 0;
        snprintf(plan->program, sizeof(plan->program), "%s", site->only);
    }
    if (route.endpoint == ENDPOINT_NONE ||
        (!site_has_samples(site) && (route.endpoint == ENDPOINT_ALLOCATE ||
                                     route.endpoint == ENDPOINT_ALLOCATE2))) {
        reply_line(&plan->reply, 404, "404 page not found");
        return;
    }
    if (!takes_method(&route, request->method)) {
        reply_line(&plan->reply, 405, "Method Not Allowed");
        plan->reply.allow = is_symbol(&route) ? "GET, HEAD, POST" : "GET, HEAD";
        return;
    }
    switch (route.endpoint) {
    case ENDPOINT_HELLO:
        hello_reply(&plan->reply, site);
        break;
    case ENDPOINT_ALLOCATE:
        allocate_plan(query, plan);
        break;
    case ENDPOINT_ALLOCATE2:
        plan->action = PLAN_ALLOCATE2;
        break;
    case ENDPOINT_PROCESSES:
        plan_processes(site, plan);
        break;
    case ENDPOINT_VARS:
        plan_vars(site, pid, plan);
        break;
    case ENDPOINT_MOVED:
        plan_moved(&route, query, plan);
        break;
    case ENDPOINT_INDEX:
        pprof_plan_index(site, pid, plan);
        break;
    case ENDPOINT_PPROF:
        pprof_plan(site, pid, route.name, request, plan);
        break;
    case ENDPOINT_GPERFTOOLS:
        pprof_plan_gperftools(site, pid, route.name, request, plan);
        break;
    case ENDPOINT_NONE:
        break; /* answered above */
    }
}

void plan_free(struct plan *plan)
{
    reply_free(&plan->reply);
    free(plan->ask);
    plan->ask = NULL;
}
