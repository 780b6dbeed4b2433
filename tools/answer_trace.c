/* SPDX-License-Identifier: MIT */
/* answer_trace.c - see answer_trace.h. */
#include "answer_trace.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "cpu_request.h"
#include "segment_read.h"
#include "trace_json.h"

/* Whether it is a trace, and no CPU profile, that is being taken. */
static bool is_traced(int fd)
{
    uint64_t lease_ns = 0;

    return pread(fd, &lease_ns, sizeof(lease_ns),
                 (off_t)offsetof(struct segment_header, trace.lease_ns)) ==
               sizeof(lease_ns) &&
           lease_ns != 0;
}

int answer_trace_begin(struct answer *answer, struct render_window *window)
{
    int err = trace_request_begin(window->path, CPU_REQUEST_HZ_DEFAULT,
                                  &window->trace);

    if (!err)
        return 0;
    return answer_refuse_for_cpu(answer, "tracing", /* Go's words */
                                 is_traced(window->fd)
                                     ? "tracing is already enabled"
                                     : "cpu profiling already in use",
                                 err);
}

int answer_trace_end(struct answer *answer, struct render_window *window)
{
    const struct trace *trace = trace_request_end(window->trace);
    struct segment_snapshot *snapshot;
    struct segment_error error;
    FILE *out;
    int err = segment_read_fd(window->fd, window->path, SEGMENT_READ_STACKS,
                              &snapshot, &error);

    if (err)
        return answer_refuse_for_segment(answer, &error, err);
    out = open_memstream(&answer->body, &answer->size);
    if (out)
        err =
            trace_json_write(trace, snapshot, answer->render->symbolizer, out);
    segment_snapshot_free(snapshot);
    return answer_close(answer, out, err);
}
