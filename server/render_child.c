/* SPDX-License-Identifier: MIT */
/* render_child.c - see render_child.h. */
#include "render_child.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "render_process.h"

#define REASON_MAX 1000 /* bytes of an error's text; longer ones are cut */

struct render_job {
    struct render_job *next;
    struct render_job **handle; /* NULL when it is cancelled */
    char *body;
    size_t size;
    render_done *done;
    void *data;
};

static void take_first(struct render_child *child, struct render_job **job)
{
    *job = child->first;
    child->first = (*job)->next;
    if (!child->first)
        child->end = &child->first;
    child->job_count--;
    child->working = false;
    uv_timer_stop(&child->deadline);
}

static void job_free(struct render_job *job)
{
    free(job->body);
    free(job);
}

/* Answers the first job; takes over the body. */
static void answer(struct render_child *child, int status, char *body,
                   size_t size)
{
    struct render_job *job;

    take_first(child, &job);
    if (job->handle) {
        *job->handle = NULL;
        job->done(job->data, status, body, size);
    } else {
        free(body);
    }
    job_free(job);
}

static void answer_500(struct render_child *child, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void answer_500(struct render_child *child, const char *format, ...)
{
    va_list arguments;
    char *line;
    int length;

    va_start(arguments, format);
    length = vasprintf(&line, format, arguments);
    va_end(arguments);
    answer(child, 500, length < 0 ? NULL : line,
           length < 0 ? 0 : (size_t)length);
}

/* Makes an error's text one line that is safe to show. It has room for the
 * NUL (render_process.h). */
static void tidy_line(char *text, size_t *size)
{
    if (*size > REASON_MAX)
        *size = REASON_MAX;
    while (*size && text[*size - 1] == '\n')
        --*size;
    for (size_t i = 0; i < *size; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
            text[i] = '?';
    text[*size] = '\0';
}

static void on_late(uv_timer_t *timer)
{
    struct render_child *child = timer->data;
    char how[64];

    snprintf(how, sizeof(how), "gave no answer in %llu s",
             (unsigned long long)child->timeout_ms / 1000);
    render_process_kill(child->process, how);
}

static void on_answer(void *owner, int status, char *body, size_t size);
static void on_death(void *owner, const char *how);

static int hand_over(struct render_child *child, const struct render_job *job)
{
    int error = 0;

    if (!child->process)
        error = render_process_start(child->loop, child->path, on_answer,
                                     on_death, child, &child->process);
    if (!error)
        error = render_process_send(child->process, ++child->sequence,
                                    job->body, job->size);
    if (!error)
        error = uv_timer_start(&child->deadline, on_late, child->timeout_ms, 0);
    return error;
}

/* Puts the first job into work, if there is one and none is. */
static void go_on(struct render_child *child)
{
    struct render_job *job;
    int error;

    while (child->first && !child->working && !child->stopping) {
        if (!child->first->handle) {
            take_first(child, &job);
            job_free(job);
            continue;
        }
        error = hand_over(child, child->first);
        child->working = !error;
        if (error) {
            log_line("%s cannot be used: %s", child->path, uv_strerror(error));
            answer_500(child, "preprof-render cannot be used: %s",
                       uv_strerror(error));
        }
    }
}

static void on_answer(void *owner, int status, char *body, size_t size)
{
    struct render_child *child = owner;

    if (status != 200)
        tidy_line(body, &size);
    answer(child, status, body, size);
    go_on(child);
}

static void free_all(struct render_child *child)
{
    struct render_job *job;

    while (child->first) {
        take_first(child, &job);
        if (job->handle)
            *job->handle = NULL;
        job_free(job);
    }
    uv_close((uv_handle_t *)&child->deadline, NULL);
}

static void on_death(void *owner, const char *how)
{
    struct render_child *child = owner;

    child->process = NULL;
    if (child->stopping) {
        free_all(child);
        return;
    }
    log_line("preprof-render %s", how);
    if (child->working)
        answer_500(child, "preprof-render %s while it worked on this", how);
    go_on(child);
}

int render_child_init(struct render_child *child, uv_loop_t *loop,
                      const char *path, unsigned timeout_s)
{
    *child = (struct render_child){.loop = loop,
                                   .timeout_ms = timeout_s * UINT64_C(1000)};
    child->end = &child->first;
    child->deadline.data = child;
    if (snprintf(child->path, sizeof(child->path), "%s", path) >=
        (int)sizeof(child->path))
        return UV_ENAMETOOLONG;
    return uv_timer_init(loop, &child->deadline);
}

int render_child_ask(struct render_child *child, char *body, size_t size,
                     render_done *done, void *data, struct render_job **handle)
{
    struct render_job *job = NULL;
    int error = -EAGAIN;

    if (child->job_count < RENDER_QUEUE_MAX && !child->stopping) {
        job = malloc(sizeof(*job));
        error = -ENOMEM;
    }
    if (!job) {
        free(body);
        return error;
    }
    *job = (struct render_job){.handle = handle,
                               .body = body,
                               .size = size,
                               .done = done,
                               .data = data};
    *handle = job;
    *child->end = job;
    child->end = &job->next;
    child->job_count++;
    go_on(child);
    return 0;
}

void render_child_cancel(struct render_child *child, struct render_job *job)
{
    struct render_job **link = &child->first;

    *job->handle = NULL;
    job->handle = NULL;
    /* The one in work keeps its place until its answer has gone by. */
    if (job == child->first && child->working)
        return;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    if (!job->next)
        child->end = link;
    child->job_count--;
    job_free(job);
}

static void on_end_late(uv_timer_t *timer)
{
    struct render_child *child = timer->data;

    render_process_kill(child->process, "did not end");
}

void render_child_stop(struct render_child *child)
{
    if (child->stopping)
        return;
    child->stopping = true;
    if (!child->process) {
        free_all(child);
        return;
    }
    render_process_end(child->process);
    /* starting a timer that is initialised and has a function cannot fail */
    (void)uv_timer_start(&child->deadline, on_end_late, RENDER_END_MS, 0);
}
