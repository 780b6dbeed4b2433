/* SPDX-License-Identifier: MIT */
/* answer_window.c - see answer_window.h. */
#include "answer_window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer_encode.h"
#include "answer_trace.h"
#include "cpu_request.h"
#include "profile.h"
#include "profile_fold.h"
#include "profile_subtract.h"
#include "render_thread.h"
#include "render_window.h"
#include "segment_read.h"

/* The samples of threads that block the signal, which the process cannot take
 * itself. */
static int add_blocked(struct segment_snapshot *snapshot, uint64_t samples)
{
    struct segment_event_row **rows = &snapshot->events[SEGMENT_EVENT_CPU];
    uint32_t hz = snapshot->header.cpu.hz;

    if (!samples || !hz)
        return 0;
    if (!*rows)
        *rows = calloc(snapshot->callsite_count, sizeof(**rows));
    if (!*rows)
        return -ENOMEM;
    (*rows)[SEGMENT_SINK_BLOCKED].count += samples;
    (*rows)[SEGMENT_SINK_BLOCKED].delay_ns += samples * 1000000000 / hz;
    return 0;
}

static bool is_of_threads(const struct profile_kind *kind)
{
    return strcmp(kind->name, "goroutine") == 0;
}

static int take_threads(struct answer *answer,
                        const struct render_window *window,
                        struct profile **profile)
{
    int err = render_thread_profile(window->pid, answer->request->directory,
                                    answer->render->symbolizer, window->kind,
                                    profile);

    return err ? answer_refuse_for_threads(answer, err) : 0;
}

/* The profile of a window as it is now; a status. */
static int take_profile(struct answer *answer,
                        const struct render_window *window, uint64_t blocked,
                        struct profile **profile)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    int status, err;

    if (is_of_threads(window->kind))
        return take_threads(answer, window, profile);
    err = segment_read_fd(window->fd, window->path, SEGMENT_READ_STACKS,
                          &snapshot, &error);
    if (err)
        return answer_refuse_for_segment(answer, &error, err);
    status = answer_check_profiled(answer, snapshot, window->kind);
    if (!status) {
        *profile = add_blocked(snapshot, blocked) == 0
                       ? profile_from_segment(
                             snapshot, answer->render->symbolizer, window->kind)
                       : NULL;
        status = *profile ? 0 : answer_refuse_for_memory(answer);
    }
    segment_snapshot_free(snapshot);
    return status;
}

static int begin_cpu(struct answer *answer, struct render_window *window)
{
    uint32_t hz = answer->request->hz;
    int err = cpu_request_begin(window->path, hz ? hz : CPU_REQUEST_HZ_DEFAULT,
                                &window->cpu);

    if (!err)
        return 0;
    return answer_refuse_for_cpu(answer, "CPU profiling", /* Go's words */
                                 "cpu profiling already in use", err);
}

static int fill_window(struct answer *answer, struct render_window *window)
{
    int status = answer_find_segment(answer, window->path);

    if (status)
        return status;
    window->fd =
        open(window->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (window->fd < 0)
        return answer_refuse(answer, errno == ENOENT ? 404 : 500, "%s: %s",
                             window->path, strerror(errno));
    if (!window->kind)
        return answer_trace_begin(answer, window);
    status = take_profile(answer, window, 0, &window->first);
    if (!status && window->kind->event == SEGMENT_EVENT_CPU)
        status = begin_cpu(answer, window);
    return status;
}

static int begin_window(struct answer *answer, const struct profile_kind *kind)
{
    struct render_windows *windows = &answer->render->windows;
    struct render_window *window;
    int status;

    if (render_window_find(windows, answer->request->id))
        return answer_refuse(answer, 400, "window %u has begun",
                             answer->request->id);
    window = render_window_add(windows, answer->request->id);
    if (!window)
        return answer_refuse(answer, 503,
                             "%d profiles are being taken: too many",
                             RENDER_WINDOWS_MAX);
    window->kind = kind;
    window->pid = answer->request->pid;
    status = fill_window(answer, window);
    if (!status)
        return answer_refuse(answer, 200, "begun");
    render_window_drop(window);
    return status;
}

static bool has_format(const struct profile_kind *kind, const char *format)
{
    return strcmp(format, "pprof") == 0 || (kind->event == SEGMENT_EVENT_CPU &&
                                            strcmp(format, "gperftools") == 0);
}

static int end_window(struct answer *answer, struct render_window *window)
{
    bool is_cpu = window->kind->event == SEGMENT_EVENT_CPU;
    uint64_t blocked = cpu_request_end(window->cpu);
    uint32_t limit = answer->request->limit;
    struct profile *profile = NULL;
    int status;

    window->cpu = NULL;
    status = take_profile(answer, window, blocked, &profile);
    if (!status && profile_subtract(profile, window->first) != 0)
        status = answer_refuse(answer, 500, "failed to compute delta");
    if (!status && limit && profile_fold(profile, limit) != 0)
        status = answer_refuse_for_memory(answer);
    if (!status && is_cpu) /* a CPU profile is of when it began */
        profile->time_ns = window->first->time_ns;
    if (!status)
        status = answer_encode(answer, NULL, profile) == 0
                     ? 200
                     : answer_refuse_for_memory(answer);
    profile_free(profile);
    return status;
}

int answer_window(struct answer *answer, const struct profile_kind *kind)
{
    const struct render_request *request = answer->request;
    struct render_window *window;
    int status = 200;

    if (kind && !has_format(kind, request->format))
        return answer_refuse(answer, 400, "no format %s of a window of %s",
                             request->format, request->kind);
    if (strcmp(request->window, "begin") == 0)
        return begin_window(answer, kind);
    window = render_window_find(&answer->render->windows, request->id);
    if (!window) /* of a preprof-render that has died */
        return answer_refuse(answer, 500, "failed to collect profile");
    if (strcmp(request->window, "end") != 0)
        status = answer_refuse(answer, 200, "dropped");
    else if (window->trace)
        status = answer_trace_end(answer, window);
    else
        status = end_window(answer, window);
    render_window_drop(window);
    return status;
}
