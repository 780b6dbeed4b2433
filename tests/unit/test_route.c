/* SPDX-License-Identifier: MIT */
/*
 * test_route.c - goal: each path, method and parameter leads to the answer of
 * Go's net/http/pprof, or to what preprof-render is asked. Method: a table of
 * requests; the plans they make, written as one line each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocate.h"
#include "route.h"

static const struct site samples = {
    .self = 42, .root = 42, .url = "http://localhost:8080"};
static const struct site guest = {.self = 42,
                                  .root = 4194304,
                                  .directory = "/d d",
                                  .url = "http://localhost:8080"};
static const struct site one_of_many = {
    .self = 42, .root = 4194304, .only = "cc1", .url = "http://localhost:8080"};
static const struct site bare = {.self = 42,
                                 .root = 42,
                                 .unprofiled = "because",
                                 .url = "http://localhost:8080"};

/* "200 body", "405 [GET] body", "301 -> place", "heap? kind=heap pid=1 ..." */
static char *describe(const struct site *site, llhttp_method_t method,
                      const char *target, const char *body)
{
    static const char *const answers[] = {
        [ANSWER_PROFILE] = "profile", [ANSWER_TEXT] = "text",
        [ANSWER_INDEX] = "index",     [ANSWER_PROCESSES] = "processes",
        [ANSWER_VARS] = "vars",
    };
    static struct http_request request;
    struct plan plan;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    http_request_init(&request);
    request.method = method;
    strcpy(request.target, target);
    request.target_size = strlen(target);
    strcpy(request.peer, "10.0.0.7");
    strcpy(request.fields[FIELD_USER_AGENT], "curl/8");
    request.present[FIELD_USER_AGENT] = true;
    if (body) {
        request.body = strdup(body);
        request.body_size = strlen(body);
    }
    route_plan(site, &request, &plan);
    switch (plan.action) {
    case PLAN_REPLY:
        fprintf(out, "%d", plan.reply.status);
        if (plan.reply.pprof_error)
            fputs(" pprof", out);
        if (plan.reply.allow)
            fprintf(out, " [%s]", plan.reply.allow);
        if (plan.reply.location)
            fprintf(out, " -> %s", plan.reply.location);
        else
            fprintf(out, " %.*s", (int)strcspn(plan.reply.body, "\n"),
                    plan.reply.body);
        break;
    case PLAN_RENDER:
    case PLAN_WINDOW:
        if (plan.action == PLAN_WINDOW)
            fprintf(out, "window %llu ms:", (unsigned long long)plan.window_ms);
        else
            fprintf(out, "%s%s:", answers[plan.answer],
                    plan.trim ? " trim" : "");
        for (char *line = strtok(plan.ask, "\n"); line;
             line = strtok(NULL, "\n"))
            fprintf(out, " %s", line);
        if (plan.answer == ANSWER_PROFILE || plan.answer == ANSWER_TRACE)
            fprintf(out, " as %s", plan.name);
        break;
    case PLAN_ALLOCATE:
        fprintf(out, "allocate %llu for %u", (unsigned long long)plan.size,
                plan.hold_s);
        break;
    case PLAN_ALLOCATE2:
        fputs("allocate2", out);
        break;
    }
    plan_free(&plan);
    http_request_free(&request);
    fclose(out);
    return text;
}

static void expect(const struct site *site, llhttp_method_t method,
                   const char *target, const char *body, const char *wanted)
{
    char *got = describe(site, method, target, body);

    if (strcmp(got, wanted) != 0)
        print_error("%s\n", target);
    assert_string_equal(got, wanted);
    free(got);
}

#define UNKNOWN "404 pprof Unknown profile"
#define LIMIT_WRONG                                                            \
    "400 pprof invalid value for \"limit\" - must be a positive integer"
#define NOWHERE "404 404 page not found"

static void test_get(void **state)
{
    static const char *const cases[][2] = {
        {"/allocate", "allocate 104857600 for 60"},
        {"/allocate?size=&hold=", "allocate 104857600 for 60"},
        {"/allocate?size=3MiB&hold=0", "allocate 3145728 for 0"},
        {"/allocate?size=7&size=8&hold=3600", "allocate 7 for 3600"},
        /* too large for any number: over the cap, not malformed */
        {"/allocate?size=9999999999GiB", "allocate 9223372036854775807 for 60"},
        {"/allocate2?size=1", "allocate2"},
        {"/%61llocate2", "allocate2"},
        {"/debug/pprof/heap", "profile: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/allocs?debug=0&debug=1",
         "profile: kind=allocs pid=42 format=pprof as allocs"},
        {"/debug/pprof/heap?debug=1",
         "text: kind=heap pid=42 format=text debug=1"},
        {"/debug/pprof/heap?debug=-1",
         "text: kind=heap pid=42 format=text debug=1"},
        {"/debug/pprof/heap?debug=x",
         "profile: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/goroutine?debug=2",
         "text: kind=goroutine pid=42 format=text debug=2"},
        {"/debug/pprof/goroutine?debug=%33",
         "text: kind=goroutine pid=42 format=text debug=2"},
        {"/debug/pprof/threadcreate",
         "profile: kind=threadcreate pid=42 format=pprof as threadcreate"},
        {"/debug/pprof/block",
         "profile: kind=block pid=42 format=pprof as block"},
        {"/debug/pprof/mutex?gc=1",
         "profile: kind=mutex pid=42 format=pprof as mutex"},
        {"/debug/pprof/heap?gc=1",
         "profile trim: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/heap?gc=0",
         "profile: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/allocs?gc=1",
         "profile: kind=allocs pid=42 format=pprof as allocs"},
        {"/pid/7/debug/pprof/heap?gc=1",
         "profile: kind=heap pid=7 format=pprof as heap"},
        {"/pid/42/debug/pprof/heap?gc=1",
         "profile trim: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/h%65ap",
         "profile: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/heap?seconds=",
         "profile: kind=heap pid=42 format=pprof as heap"},
        {"/debug/pprof/cmdline?seconds=1", "text: kind=cmdline pid=42"},
        {"/debug/pprof/symbol", "text: kind=symbol pid=42 symbols="},
        {"/debug/pprof/symbol?0x1f+0x2e",
         "text: kind=symbol pid=42 symbols=0x1f+0x2e"},
        {"/debug/pprof/symbol?0x1%0apid=1",
         "text: kind=symbol pid=42 symbols=0x1%0apid=1"},
        {"/debug/pprof/", "index: kind=counts pid=42"},
        {"/debug/vars", "vars: kind=vars pid=42"},
        {"/pid/", "processes: kind=list"},
        {"/pid/4194304/debug/vars", "vars: kind=vars pid=4194304"},
        {"/debug/pprof", "301 -> /debug/pprof/"},
        {"/debug/pprof?x=1&y", "301 -> /debug/pprof/?x=1&y"},
        {"/pid", "301 -> /pid/"},
        {"/pid/7", "301 -> /pid/7/debug/pprof/"},
        {"/pid/7/", "301 -> /pid/7/debug/pprof/"},
        {"/pid/7/debug/pprof?a", "301 -> /pid/7/debug/pprof/?a"},
        {"/debug/pprof/profile?debug=1",
         "window 30000 ms: kind=profile pid=42 as profile"},
        {"/debug/pprof/profile?seconds=5&hz=250&seconds=x",
         "window 5000 ms: kind=profile pid=42 hz=250 as profile"},
        {"/debug/pprof/profile?seconds=0&hz=1001",
         "window 30000 ms: kind=profile pid=42 as profile"},
        {"/pid/7/debug/pprof/profile?seconds=-1&hz=0",
         "window 30000 ms: kind=profile pid=7 as profile"},
        {"/debug/pprof/profile?seconds=99999999999999999999&hz=",
         "window 30000 ms: kind=profile pid=42 as profile"},
        {"/debug/pprof/profile?seconds=9223372036854775807",
         "window 9223372036854775807 ms: kind=profile pid=42 as profile"},
        {"/debug/pprof/trace",
         "window 1000 ms: kind=trace pid=42 as trace.json"},
        {"/debug/pprof/trace?seconds=0.5",
         "window 500 ms: kind=trace pid=42 as trace.json"},
        {"/pid/7/debug/pprof/trace?seconds=25e-1&debug=1",
         "window 2500 ms: kind=trace pid=7 as trace.json"},
        {"/debug/pprof/trace?seconds=-1",
         "window 1000 ms: kind=trace pid=42 as trace.json"},
        {"/debug/pprof/trace?seconds=NaN",
         "window 1000 ms: kind=trace pid=42 as trace.json"},
        {"/debug/pprof/trace?seconds=1e999",
         "window 1000 ms: kind=trace pid=42 as trace.json"},
        {"/debug/pprof/trace?seconds=1e300",
         "window 9223372036854775807 ms: kind=trace pid=42 as trace.json"},
        {"/debug/pprof/heap?seconds=1&debug=0&gc=1",
         "window 1000 ms: kind=heap pid=42 as heap-delta"},
        {"/debug/pprof/profile?seconds=5&limit=99999999999&hz=250",
         "window 5000 ms: kind=profile pid=42 limit=4294967295 hz=250 as profile"},
        {"/debug/pprof/mutex?seconds=5&limit=16000",
         "window 5000 ms: kind=mutex pid=42 limit=16000 as mutex-delta"},
        {"/debug/pprof/goroutine?limit=9",
         "profile: kind=goroutine pid=42 format=pprof limit=9 as goroutine"},
        {"/debug/pprof/profile?limit=-1", LIMIT_WRONG},
        {"/debug/pprof/heap?seconds=1&limit=x", LIMIT_WRONG},
        {"/debug/pprof/goroutine?seconds=%2B1",
         "window 1000 ms: kind=goroutine pid=42 as goroutine-delta"},
        {"/debug/pprof/delta_heap",
         "profile: kind=heap pid=42 format=pprof cursor=@10.0.0.7 curl/8 as "
         "heap.pprof.gz"},
        {"/pid/7/debug/pprof/delta_mutex?cursor=a%0apid=1&limit=9",
         "profile: kind=mutex pid=7 format=pprof limit=9 cursor==a?pid=1 as "
         "mutex.pprof.gz"},
        {"/exe/redis-server/debug/pprof/delta_block?cursor=alloy",
         "profile: kind=block exe=redis-server format=pprof cursor==alloy as "
         "block.pprof.gz"},
        {"/pid/7/pprof/profile?seconds=5&hz=250",
         "window 5000 ms: kind=profile pid=7 format=gperftools hz=250 as profile"},
        {"/debug/pprof/nosuch", UNKNOWN},
        {"/debug/pprof/heap/", UNKNOWN},
        {"/debug/pprof/symbol/", UNKNOWN},
        {"/debug/pprof/Heap", UNKNOWN},
        {"/debug/pprof/heap;id", UNKNOWN},
        {"/debug/pprof/$(id)", UNKNOWN},
        {"/debug/pprof/../../etc/passwd", UNKNOWN},
        {"/debug/pprof/%2e%2e/heap", UNKNOWN},
        {"/debug/pprof//heap", UNKNOWN},
        {"/debug/pprof/heap%20", UNKNOWN},
        {"/debug/pprof/heap%00", NOWHERE},
        {"/debug/pprof/heap%", NOWHERE},
        {"/debug/pprof/%c0%ae%c0%ae/heap", UNKNOWN},
        {"//debug/pprof/heap", NOWHERE},
        {"/debug\\pprof/heap", NOWHERE},
        {"/debug/", NOWHERE},
        {"/debug", NOWHERE},
        {"/nosuch", NOWHERE},
        {"/allocate/", NOWHERE},
        {"/pid/0/debug/pprof/heap", NOWHERE},
        {"/pid/-1/debug/pprof/heap", NOWHERE},
        {"/pid/07/debug/pprof/heap", NOWHERE},
        {"/pid/12345678/debug/pprof/heap", NOWHERE},
        {"/pid/7x/debug/pprof/heap", NOWHERE},
        {"/pid/7/allocate", NOWHERE},
        {"/pid/self/debug/pprof/heap", NOWHERE},
        {"/pid/../debug/pprof/heap", NOWHERE},
    };
    static const char *const bad_seconds[] = {
        "0",   "x",    "1.5",
        "-1",  "1e9",  "5%3B",
        "NaN", "%201", "99999999999999999999"};
    static const char *const sizes[] = {"0", "x", "-1", "1K", "%2B1", "1%0a"};
    static const char *const holds[] = {"-1", "x", "3601", "1.5",
                                        "99999999999999999999"};
    char target[100];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(&samples, HTTP_GET, cases[i][0], NULL, cases[i][1]);
    for (size_t i = 0; i < sizeof(bad_seconds) / sizeof(*bad_seconds); i++) {
        snprintf(target, sizeof(target), "/debug/pprof/heap?seconds=%s&debug=1",
                 bad_seconds[i]);
        expect(&samples, HTTP_GET, target, NULL,
               "400 pprof invalid value for \"seconds\" - must be a positive "
               "integer");
    }
    expect(&samples, HTTP_GET, "/debug/pprof/mutex?seconds=1&debug=-1", NULL,
           "400 pprof seconds and debug params are incompatible");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        snprintf(target, sizeof(target), "/allocate?size=%s", sizes[i]);
        expect(&samples, HTTP_GET, target, NULL,
               "400 size is a number of bytes above 0, or one with a unit: B "
               "kB MB GB KiB MiB GiB");
    }
    for (size_t i = 0; i < sizeof(holds) / sizeof(*holds); i++) {
        snprintf(target, sizeof(target), "/allocate?hold=%s", holds[i]);
        expect(&samples, HTTP_GET, target, NULL,
               "400 hold is a number of seconds, 0 to 3600");
    }
}

static void test_methods(void **state)
{
    static const llhttp_method_t others[] = {HTTP_PUT, HTTP_DELETE,
                                             HTTP_OPTIONS, HTTP_PATCH};
    static const char refused[] = "405 [GET, HEAD] Method Not Allowed";

    (void)state;
    expect(&samples, HTTP_HEAD, "/debug/pprof/heap", NULL,
           "profile: kind=heap pid=42 format=pprof as heap");
    expect(&samples, HTTP_POST, "/debug/pprof/heap", NULL, refused);
    expect(&samples, HTTP_POST, "/debug/pprof/nosuch", NULL, refused);
    expect(&samples, HTTP_POST, "/debug/pprof", NULL, refused);
    expect(&samples, HTTP_POST, "/allocate", NULL, refused);
    expect(&samples, HTTP_POST, "/nosuch", NULL, NOWHERE);
    expect(&samples, HTTP_CONNECT, "a:1", NULL, NOWHERE);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        expect(&samples, others[i], "/", NULL, refused);
        expect(&samples, others[i], "/debug/pprof/symbol", NULL,
               "405 [GET, HEAD, POST] Method Not Allowed");
    }
    expect(&samples, HTTP_POST, "/debug/pprof/symbol?0x9", "0x1+0x2",
           "text: kind=symbol pid=42 symbols=0x1+0x2");
    expect(&samples, HTTP_POST, "/pid/7/debug/pprof/symbol", "",
           "text: kind=symbol pid=7 symbols=");
    expect(&samples, HTTP_POST, "/debug/pprof/symbol", "0x1\nkind=list\r+\x80",
           "text: kind=symbol pid=42 symbols=0x1?kind=list?+?");
}

static void test_accept(void **state)
{
    static struct http_request request;
    static const struct {
        llhttp_method_t method;
        const char *target;
        uint64_t length;
        enum http_state state;
    } cases[] = {
        {HTTP_GET, "/", 0, REQUEST_DONE},
        {HTTP_GET, "/", 1, REQUEST_REFUSED},
        {HTTP_POST, "/debug/pprof/symbol", 0, REQUEST_DONE},
        {HTTP_POST, "/debug/pprof/symbol?x", SYMBOL_BODY_MAX, REQUEST_BODY},
        {HTTP_POST, "/debug/pprof/symbol", SYMBOL_BODY_MAX + 1,
         REQUEST_REFUSED},
        {HTTP_POST, "/pid/7/debug/pprof/symbol", 9, REQUEST_BODY},
        {HTTP_POST, "/debug/pprof/heap", 9, REQUEST_DONE},
        {HTTP_PUT, "/debug/pprof/symbol", 9, REQUEST_DONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        http_request_init(&request);
        request.state = REQUEST_ACCEPT;
        request.keep_alive = true;
        request.method = cases[i].method;
        request.content_length = cases[i].length;
        strcpy(request.target, cases[i].target);
        route_accept(&request);
        assert_int_equal(request.state, cases[i].state);
        /* what was not read must not be taken for the next request */
        if (cases[i].length > 0 && cases[i].state != REQUEST_BODY)
            assert_false(request.keep_alive);
        http_request_free(&request);
    }
}

static void test_sites(void **state)
{
    (void)state;
    expect(&guest, HTTP_GET, "/debug/pprof/heap?gc=1", NULL,
           "profile: kind=heap pid=4194304 dir=/d d format=pprof as heap");
    expect(&guest, HTTP_GET, "/pid/42/debug/pprof/heap?gc=1", NULL,
           "profile trim: kind=heap pid=42 dir=/d d format=pprof as heap");
    expect(&guest, HTTP_GET, "/pid/", NULL, "processes: kind=list dir=/d d");
    expect(&guest, HTTP_GET, "/allocate", NULL, NOWHERE);
    expect(&guest, HTTP_GET, "/allocate2", NULL, NOWHERE);
    expect(&guest, HTTP_GET, "/", NULL,
           "200 Hello. Here is a program, pid 4194304, seen by pprof.");
    expect(&one_of_many, HTTP_GET, "/debug/pprof/heap", NULL,
           "profile: kind=heap exe=cc1 format=pprof as heap");
    expect(&one_of_many, HTTP_GET, "/debug/vars", NULL,
           "vars: kind=vars exe=cc1");
    expect(&one_of_many, HTTP_GET, "/pid/7/debug/pprof/heap", NULL,
           "profile: kind=heap pid=7 format=pprof as heap");
    expect(&one_of_many, HTTP_GET, "/exe/as/debug/pprof/heap", NULL,
           "profile: kind=heap exe=as format=pprof as heap");
    expect(&one_of_many, HTTP_GET, "/pid/", NULL, "processes: kind=list");
    expect(&bare, HTTP_GET, "/debug/pprof/heap", NULL, "503 pprof because");
    expect(&bare, HTTP_GET, "/debug/pprof/", NULL, "503 pprof because");
    expect(&bare, HTTP_GET, "/debug/vars", NULL, "503 because");
    expect(&bare, HTTP_GET, "/debug/pprof/nosuch", NULL, UNKNOWN);
    expect(&bare, HTTP_GET, "/pid/7/debug/pprof/heap", NULL,
           "profile: kind=heap pid=7 format=pprof as heap");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_sites),
    };

    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
