/* SPDX-License-Identifier: MIT */
/* pprof.c - see pprof.h. */
#include "pprof.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "query.h"
#include "render.h"

#define CPU_SECONDS_DEFAULT 30
#define TRACE_MS_DEFAULT    1000
#define LIMIT_LINE_SIZE     32 /* "limit=4294967295\n" */

static const struct profile_name {
    const char *name;
    const char *kind;
    const char *file;
    const char *delta; /* of a window's file; NULL: it has no windows */
    bool since;        /* of what came since this client's last request; named
                          as Grafana's godeltaprof does */
} profiles[] = {
    {"allocs", "allocs", "allocs", "allocs-delta", false},
    {"block", "block", "block", "block-delta", false},
    {"delta_block", "block", "block.pprof.gz", NULL, true},
    {"delta_heap", "heap", "heap.pprof.gz", NULL, true},
    {"delta_mutex", "mutex", "mutex.pprof.gz", NULL, true},
    {"goroutine", "goroutine", "goroutine", "goroutine-delta", false},
    {"heap", "heap", "heap", "heap-delta", false},
    {"mutex", "mutex", "mutex", "mutex-delta", false},
    {"peak", "peak", "peak", NULL, false},
    {"threadcreate", "threadcreate", "threadcreate", "threadcreate-delta",
     false},
};

static const struct profile_name *find_profile(const char *name)
{
    if (strcmp(name, "threads") == 0)
        name = "goroutine"; /* as Go calls them */
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
        if (strcmp(name, profiles[i].name) == 0)
            return &profiles[i];
    return NULL;
}

/* As `debug, _ := strconv.Atoi(r.FormValue("debug"))`. */
static int64_t int_parameter(const char *query, const char *key)
{
    char value[QUERY_VALUE_MAX + 1];
    int64_t number;

    query_find(query, key, value);
    query_parse_int(value, &number);
    return number;
}

static bool refuse_unprofiled(const struct site *site, pid_t pid,
                              struct plan *plan)
{
    if (pid != site->self || !site->unprofiled)
        return false;
    reply_pprof_error(&plan->reply, 503, "%s", site->unprofiled);
    return true;
}

/* Who reads differences: the name the client gives itself, else its address
 * and what it calls its program. The first letter keeps the two apart. */
static void write_client(const struct http_request *request,
                         char client[RENDER_CURSOR_MAX + 1])
{
    const char *agent = http_request_field(request, FIELD_USER_AGENT);
    char name[QUERY_VALUE_MAX + 1];

    query_find(http_request_query(request), "cursor", name);
    if (*name)
        snprintf(client, RENDER_CURSOR_MAX + 1, "=%s", name);
    else
        snprintf(client, RENDER_CURSOR_MAX + 1, "@%s %s", request->peer,
                 agent ? agent : "");
    for (char *byte = client; *byte; byte++)
        if (iscntrl((unsigned char)*byte))
            *byte = '?'; /* the line stays a line */
}

/* Our own parameter, in the words Go has for its own: the line of the request
 * that says it, or "" without. Returns false when the plan is a refusal. */
static bool read_limit(const char *query, char line[LIMIT_LINE_SIZE],
                       struct plan *plan)
{
    char value[QUERY_VALUE_MAX + 1];
    int64_t limit;

    line[0] = '\0';
    if (!query_find(query, "limit", value) || !*value)
        return true;
    if (query_parse_int(value, &limit) != 0 || limit <= 0) {
        reply_pprof_error(
            &plan->reply, 400,
            "invalid value for \"limit\" - must be a positive integer");
        return false;
    }
    snprintf(line, LIMIT_LINE_SIZE, "limit=%" PRId64 "\n",
             limit < UINT32_MAX ? limit : UINT32_MAX);
    return true;
}

static void plan_profile(const struct site *site, pid_t pid,
                         const struct profile_name *profile,
                         const struct http_request *request, struct plan *plan)
{
    const char *query = http_request_query(request);
    int64_t debug = int_parameter(query, "debug");
    char further[96 + RENDER_CURSOR_MAX], limit[LIMIT_LINE_SIZE];
    char client[RENDER_CURSOR_MAX + 1];
    int length;

    if (!read_limit(query, limit, plan))
        return;
    plan->name = profile->file;
    plan->answer = debug ? ANSWER_TEXT : ANSWER_PROFILE;
    plan->trim = pid == site->self && strcmp(profile->kind, "heap") == 0 &&
                 int_parameter(query, "gc") > 0;
    length = snprintf(further, sizeof(further), "%s%s",
                      debug >= 2 ? "format=text\ndebug=2\n"
                      : debug    ? "format=text\ndebug=1\n"
                                 : "format=pprof\n",
                      limit);
    if (profile->since) {
        write_client(request, client);
        snprintf(further + length, sizeof(further) - (size_t)length,
                 "cursor=%s\n", client);
    }
    ask_write(plan, site, profile->kind, pid, further);
}

/* A window may be longer than anybody waits. */
static uint64_t ms_of(int64_t seconds)
{
    return seconds < INT64_MAX / 1000 ? (uint64_t)seconds * 1000 : INT64_MAX;
}

static void plan_window(const struct site *site, pid_t pid, const char *kind,
                        const char *name, uint64_t ms, const char *further,
                        struct plan *plan)
{
    if (refuse_unprofiled(site, pid, plan))
        return;
    plan->name = name;
    plan->answer = ANSWER_PROFILE;
    plan->window_ms = ms;
    ask_write(plan, site, kind, pid, further);
    if (plan->action == PLAN_RENDER)
        plan->action = PLAN_WINDOW;
}

/* `seconds` makes it another request, whose errors come in this order. */
static void plan_delta(const struct site *site, pid_t pid,
                       const struct profile_name *profile, const char *seconds,
                       const char *query, struct plan *plan)
{
    char limit[LIMIT_LINE_SIZE];
    int64_t number;

    if (query_parse_int(seconds, &number) != 0 || number <= 0)
        reply_pprof_error(
            &plan->reply, 400,
            "invalid value for \"seconds\" - must be a positive integer");
    else if (!profile->delta)
        reply_pprof_error(
            &plan->reply, 400,
            "\"seconds\" parameter is not supported for this profile type");
    else if (int_parameter(query, "debug"))
        reply_pprof_error(&plan->reply, 400,
                          "seconds and debug params are incompatible");
    else if (read_limit(query, limit, plan))
        plan_window(site, pid, profile->kind, profile->delta, ms_of(number),
                    limit, plan);
}

/* A CPU profile; of Go's parameters, what makes no sense counts as not sent. */
static void plan_cpu(const struct site *site, pid_t pid, const char *query,
                     const char *format, struct plan *plan)
{
    char value[QUERY_VALUE_MAX + 1], further[96], limit[LIMIT_LINE_SIZE];
    int64_t seconds, hz;

    if (!read_limit(query, limit, plan))
        return;
    query_find(query, "seconds", value);
    if (query_parse_int(value, &seconds) != 0 || seconds <= 0)
        seconds = CPU_SECONDS_DEFAULT;
    query_find(query, "hz", value);
    if (query_parse_int(value, &hz) == 0 && hz > 0 && hz <= RENDER_HZ_MAX)
        snprintf(further, sizeof(further), "%s%shz=%d\n", format, limit,
                 (int)hz);
    else
        snprintf(further, sizeof(further), "%s%s", format, limit);
    plan_window(site, pid, "profile", "profile", ms_of(seconds), further, plan);
}

/* Here Go takes fractions of a second. */
static void plan_trace(const struct site *site, pid_t pid, const char *query,
                       struct plan *plan)
{
    char value[QUERY_VALUE_MAX + 1];
    uint64_t ms = TRACE_MS_DEFAULT;
    double seconds;

    query_find(query, "seconds", value);
    if (query_parse_float(value, &seconds) == 0 && seconds > 0)
        ms = seconds < (double)INT64_MAX / 1000 ? (uint64_t)(seconds * 1000)
                                                : INT64_MAX;
    plan_window(site, pid, "trace", "trace.json", ms, "", plan);
    plan->answer = ANSWER_TRACE;
}

void pprof_plan(const struct site *site, pid_t pid, const char *name,
                const struct http_request *request, struct plan *plan)
{
    const char *query = http_request_query(request);
    const struct profile_name *profile = find_profile(name);
    char seconds[QUERY_VALUE_MAX + 1];
    bool is_symbol = strcmp(name, "symbol") == 0;

    if (strcmp(name, "profile") == 0) {
        plan_cpu(site, pid, query, "", plan);
        return;
    }
    if (strcmp(name, "trace") == 0) {
        plan_trace(site, pid, query, plan);
        return;
    }
    if (!profile && !is_symbol && strcmp(name, "cmdline") != 0) {
        reply_pprof_error(&plan->reply, 404, "Unknown profile");
        return;
    }
    if (profile && query_find(query, "seconds", seconds) && *seconds) {
        plan_delta(site, pid, profile, seconds, query, plan);
        return;
    }
    if (refuse_unprofiled(site, pid, plan))
        return;
    plan->answer = ANSWER_TEXT;
    if (profile)
        plan_profile(site, pid, profile, request, plan);
    else if (!is_symbol)
        ask_write(plan, site, "cmdline", pid, "");
    else if (request->method == HTTP_POST)
        ask_write_symbols(plan, site, pid, request->body, request->body_size);
    else
        ask_write_symbols(plan, site, pid, query, strlen(query));
}

void pprof_plan_index(const struct site *site, pid_t pid, struct plan *plan)
{
    plan->answer = ANSWER_INDEX;
    if (!refuse_unprofiled(site, pid, plan))
        ask_write(plan, site, "counts", pid, "");
}

void pprof_plan_gperftools(const struct site *site, pid_t pid, const char *name,
                           const struct http_request *request,
                           struct plan *plan)
{
    if (strcmp(name, "profile") == 0) {
        plan_cpu(site, pid, http_request_query(request), "format=gperftools\n",
                 plan);
    } else if (strcmp(name, "heap") != 0) {
        pprof_plan(site, pid, name, request, plan);
    } else if (!refuse_unprofiled(site, pid, plan)) {
        plan->answer = ANSWER_TEXT;
        ask_write(plan, site, name, pid, "format=gperftools\n");
    }
}
