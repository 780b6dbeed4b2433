/* SPDX-License-Identifier: MIT */
/* pprof.c - see pprof.h. */
#include "pprof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "query.h"

static const char *const profiles[] = {"allocs", "block", "goroutine",
                                       "heap",   "mutex", "peak",
                                       "threadcreate"};

static const char *find_profile(const char *name)
{
    if (strcmp(name, "threads") == 0)
        return "goroutine"; /* as Go calls them */
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
        if (strcmp(name, profiles[i]) == 0)
            return profiles[i];
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

static void plan_profile(const struct site *site, pid_t pid, const char *name,
                         const char *query, struct plan *plan)
{
    int64_t debug = int_parameter(query, "debug"), limit = 0;
    char further[96], value[QUERY_VALUE_MAX + 1];
    int length;

    if (query_find(query, "limit", value) && *value &&
        (query_parse_int(value, &limit) != 0 || limit <= 0)) {
        reply_pprof_error(
            &plan->reply, 400,
            "invalid value for \"limit\" - must be a positive integer");
        return;
    }
    plan->name = name;
    plan->answer = debug ? ANSWER_TEXT : ANSWER_PROFILE;
    plan->trim = pid == site->self && strcmp(name, "heap") == 0 &&
                 int_parameter(query, "gc") > 0;
    length = debug ? snprintf(further, sizeof(further),
                              "format=text\ndebug=%d\n", debug >= 2 ? 2 : 1)
                   : snprintf(further, sizeof(further), "format=pprof\n");
    if (limit)
        snprintf(further + length, sizeof(further) - (size_t)length,
                 "limit=%" PRId64 "\n",
                 limit < UINT32_MAX ? limit : UINT32_MAX);
    ask_write(plan, site, name, pid, further);
}

/* `seconds` makes it another request, whose errors come in this order. */
static void plan_delta(const char *seconds, struct plan *plan)
{
    int64_t number;

    if (query_parse_int(seconds, &number) != 0 || number <= 0)
        reply_pprof_error(
            &plan->reply, 400,
            "invalid value for \"seconds\" - must be a positive integer");
    else
        reply_pprof_error(
            &plan->reply, 400,
            "\"seconds\" parameter is not supported for this profile type");
}

void pprof_plan(const struct site *site, pid_t pid, const char *name,
                const struct http_request *request, struct plan *plan)
{
    const char *query = http_request_query(request);
    const char *profile = find_profile(name);
    char seconds[QUERY_VALUE_MAX + 1];
    bool is_symbol = strcmp(name, "symbol") == 0;

    if (!profile && !is_symbol && strcmp(name, "cmdline") != 0) {
        reply_pprof_error(&plan->reply, 404, "Unknown profile");
        return;
    }
    if (profile && query_find(query, "seconds", seconds) && *seconds) {
        plan_delta(seconds, plan);
        return;
    }
    if (refuse_unprofiled(site, pid, plan))
        return;
    plan->answer = ANSWER_TEXT;
    if (profile)
        plan_profile(site, pid, profile, query, plan);
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
    if (strcmp(name, "heap") != 0) {
        pprof_plan(site, pid, name, request, plan);
    } else if (!refuse_unprofiled(site, pid, plan)) {
        plan->answer = ANSWER_TEXT;
        ask_write(plan, site, name, pid, "format=gperftools\n");
    }
}
