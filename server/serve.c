/* SPDX-License-Identifier: MIT */
/* serve.c - see serve.h. */
#include "serve.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "pprof_index.h"
#include "process_page.h"

#define TYPE_PROFILE "application/octet-stream"
#define TYPE_JSON    "application/json; charset=utf-8"

/* malloc_trim() on a thread of the pool. */
struct trim {
    uv_work_t work;
    struct serve *serve; /* NULL when nobody waits */
};

/* The page made of an answer in JSON. */
static void reply_page(struct reply *reply, void write(FILE *, const json_t *),
                       char *text, size_t size)
{
    json_t *json = json_loadb(text, size, 0, NULL);
    FILE *out;

    free(text);
    if (!json) {
        reply_line(reply, 500, "preprof-render answered no JSON");
        return;
    }
    out = reply_begin(reply, 200, TEXT_HTML);
    if (out)
        write(out, json);
    reply_end(reply, out);
    json_decref(json);
}

static void fill_reply(struct serve *serve, char *body, size_t size)
{
    struct reply *reply = &serve->reply;

    switch (serve->plan.answer) {
    case ANSWER_PROFILE:
        reply_body(reply, TYPE_PROFILE, body, size);
        reply->attachment = serve->plan.name;
        break;
    case ANSWER_TEXT:
        reply_body(reply, TEXT_PLAIN, body, size);
        break;
    case ANSWER_INDEX:
        reply_page(reply, pprof_index_write, body, size);
        break;
    case ANSWER_PROCESSES:
        reply_page(reply, process_page_write, body, size);
        break;
    case ANSWER_TRACE:
        reply_body(reply, TYPE_JSON, body, size);
        reply->attachment = serve->plan.name;
        break;
    case ANSWER_VARS:
        reply_body(reply, TYPE_JSON, body, size);
        break;
    }
}

static void on_rendered(void *data, int status, char *body, size_t size)
{
    struct serve *serve = data;

    if (status == 200) {
        fill_reply(serve, body, size);
    } else {
        reply_pprof_error(&serve->reply, status, "%s",
                          body ? body : "preprof-render failed");
        free(body);
    }
    serve->done(serve);
}

static void refuse_to_ask(struct serve *serve, int error)
{
    reply_pprof_error(&serve->reply, 503, "%s",
                      error == -EAGAIN
                          ? "too many requests wait for preprof-render"
                          : "out of memory");
    serve->done(serve);
}

static void render(struct serve *serve)
{
    char *ask = serve->plan.ask;
    int error;

    serve->plan.ask = NULL;
    error = render_child_ask(&serve->server->render, ask, serve->plan.ask_size,
                             on_rendered, serve, &serve->job);
    if (error)
        refuse_to_ask(serve, error);
}

static void on_window(void *data, int status, char *body, size_t size)
{
    struct serve *serve = data;

    serve->window = NULL;
    on_rendered(serve, status, body, size);
}

static void begin_window(struct serve *serve)
{
    const struct plan *plan = &serve->plan;
    int error = window_begin(&serve->server->windows, plan->ask, plan->ask_size,
                             plan->window_ms, on_window, serve, &serve->window);

    if (error)
        refuse_to_ask(serve, error);
}

static void trim_work(uv_work_t *work)
{
    (void)work;
    (void)malloc_trim(0);
}

static void on_trimmed(uv_work_t *work, int status)
{
    struct trim *trim = work->data;
    struct serve *serve = trim->serve;

    (void)status; /* nobody cancels this work */
    free(trim);
    if (serve) {
        serve->trim = NULL;
        render(serve);
    }
}

static void trim_then_render(struct serve *serve)
{
    struct trim *trim = malloc(sizeof(*trim));

    if (trim) {
        trim->work.data = trim;
        trim->serve = serve;
        if (uv_queue_work(serve->server->loop, &trim->work, trim_work,
                          on_trimmed) == 0) {
            serve->trim = trim;
            return;
        }
    }
    free(trim);
    render(serve); /* the profile is right without it, too */
}

static void on_allocated(void *data)
{
    struct serve *serve = data;

    serve->block = NULL;
    serve->done(serve);
}

void serve_begin(struct serve *serve, const struct http_request *request)
{
    serve->job = NULL;
    serve->window = NULL;
    serve->block = NULL;
    serve->trim = NULL;
    serve->reply = (struct reply){0};
    route_plan(&serve->server->site, request, &serve->plan);
    switch (serve->plan.action) {
    case PLAN_REPLY:
        serve->reply = serve->plan.reply;
        serve->plan.reply = (struct reply){0};
        serve->done(serve);
        break;
    case PLAN_RENDER:
        if (serve->plan.trim)
            trim_then_render(serve);
        else
            render(serve);
        break;
    case PLAN_WINDOW:
        begin_window(serve);
        break;
    case PLAN_ALLOCATE:
        serve->block = allocate_handler(&serve->server->allocate, &serve->plan,
                                        &serve->reply, on_allocated, serve);
        break;
    case PLAN_ALLOCATE2:
        allocate2_handler(&serve->reply);
        serve->done(serve);
        break;
    }
}

void serve_cancel(struct serve *serve)
{
    if (serve->job)
        render_child_cancel(&serve->server->render, serve->job);
    if (serve->window)
        window_cancel(serve->window);
    if (serve->block)
        allocate_cancel(serve->block);
    if (serve->trim)
        serve->trim->serve = NULL;
    serve->job = NULL;
    serve->window = NULL;
    serve->block = NULL;
    serve->trim = NULL;
}

void serve_end(struct serve *serve)
{
    plan_free(&serve->plan);
    reply_free(&serve->reply);
}
