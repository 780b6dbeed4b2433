/* SPDX-License-Identifier: MIT */
/*
 * route.h - from a request to a plan: what is to be done for the answer.
 *
 * Deciding is a pure function over a fixed table; nothing here waits, forks or
 * sends, and no path or command is ever made from what a client sent.
 * Read next: pprof.c (the plans of /debug/pprof/), serve.c (does the plan).
 */
#ifndef PREPROF_ROUTE_H
#define PREPROF_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_request.h"
#include "reply.h"
#include "site.h"

#define PROGRAM_NAME_MAX 63         /* as a segment keeps it */
#define SYMBOL_BODY_MAX  (2u << 20) /* pprof sends 19 bytes a location */

enum plan_action {
    PLAN_REPLY,  /* reply is the answer */
    PLAN_RENDER, /* send `ask` to preprof-render; `answer` says what comes */
    PLAN_WINDOW, /* the same, of what happens in `window_ms` */
    PLAN_ALLOCATE,
    PLAN_ALLOCATE2,
};

enum plan_answer {
    ANSWER_PROFILE,   /* gzipped, to be saved as `name` */
    ANSWER_TRACE,     /* JSON, to be saved as `name` */
    ANSWER_TEXT,      /* as it is */
    ANSWER_INDEX,     /* counts, to become the index page */
    ANSWER_PROCESSES, /* a list, to become the page of processes */
    ANSWER_VARS,      /* JSON, as it is */
};

struct plan {
    enum plan_action action;
    struct reply reply;
    enum plan_answer answer;
    char program[PROGRAM_NAME_MAX + 1]; /* whose newest process is meant, with
                                           pid 0; else "" */
    const char *name;                   /* of the profile; static */
    bool trim;                          /* give free memory back first (gc=1) */
    char *ask; /* body of a request of render.h; owned */
    size_t ask_size;
    uint64_t window_ms;
    uint64_t size; /* of /allocate, bytes */
    unsigned hold_s;
};

/* In the state REQUEST_ACCEPT: lets the body in where one is taken. */
void route_accept(struct http_request *request);

/* The plan of a complete request. plan_free() what it filled. */
void route_plan(const struct site *site, const struct http_request *request,
                struct plan *plan);

void plan_free(struct plan *plan);

#endif
