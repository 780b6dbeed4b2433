/* SPDX-License-Identifier: MIT */
/* answer.c - see answer.h. */
#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process_list.h"
#include "segment_find.h"

/* ---- errors ------------------------------------------------------------ */

int answer_refuse(struct answer *answer, int status, const char *format, ...)
{
    va_list values;
    int length;

    va_start(values, format);
    length = vasprintf(&answer->body, format, values);
    va_end(values);
    if (length < 0)
        answer->body = NULL;
    answer->size = length < 0 ? 0 : (size_t)length;
    return answer->body ? status : 500;
}

int answer_refuse_for_memory(struct answer *answer)
{
    return answer_refuse(answer, 500, "out of memory");
}

int answer_refuse_for_segment(struct answer *answer,
                              const struct segment_error *error, int err)
{
    char line[SEGMENT_ERROR_LINE_SIZE];

    segment_error_line(error, line, sizeof(line));
    return answer_refuse(answer, err == -ENOENT ? 404 : 500, "%s", line);
}

int answer_refuse_for_cpu(struct answer *answer, const char *what,
                          const char *busy, int err)
{
    uint32_t pid = answer->request->pid;

    switch (err) {
    case -EBUSY:
        return answer_refuse(answer, 500, "Could not enable %s: %s", what,
                             busy);
    case -ENOTSUP:
        return answer_refuse(answer, 503,
                             "Could not enable %s: process %u uses SIGURG and "
                             "SIGWINCH itself",
                             what, pid);
    case -ESRCH:
        return answer_refuse(answer, 503,
                             "Could not enable %s: process %u has ended", what,
                             pid);
    default:
        return answer_refuse(answer, 500, "Could not enable %s: %s", what,
                             strerror(-err));
    }
}

int answer_refuse_for_threads(struct answer *answer, int err)
{
    const struct render_request *request = answer->request;

    if (err == -ESRCH)
        return answer_refuse(answer, 503,
                             "process %u has ended: it has no threads",
                             request->pid);
    if (err == -EINVAL)
        return answer_refuse(answer, 400, "no format %.64s of %s",
                             request->format, request->kind);
    return answer_refuse(answer, 500, "threads of %u: %s", request->pid,
                         strerror(-err));
}

/* ---- the process asked for --------------------------------------------- */

int answer_find_segment(struct answer *answer, char path[PATH_MAX])
{
    const struct render_request *request = answer->request;
    struct segment_error error;
    int err;

    if (!request->pid)
        return answer_refuse(answer, 400, "kind %s needs a pid or exe",
                             request->kind);
    err = segment_find(request->directory, request->pid, path, &error);
    return err ? answer_refuse_for_segment(answer, &error, err) : 0;
}

int answer_read_segment(struct answer *answer, enum segment_parts parts,
                        struct segment_snapshot **snapshot)
{
    char path[PATH_MAX];
    struct segment_error error;
    int err, status = answer_find_segment(answer, path);

    if (status)
        return status;
    err = segment_read(path, parts, snapshot, &error);
    return err ? answer_refuse_for_segment(answer, &error, err) : 0;
}

int answer_check_profiled(struct answer *answer,
                          const struct segment_snapshot *snapshot,
                          const struct profile_kind *kind)
{
    char reason[512];

    if ((!profile_kind_is_heap(kind) && !profile_kind_is_peak(kind)) ||
        snapshot->header.status == SEGMENT_OK)
        return 0;
    segment_status_text(&snapshot->header, reason, sizeof(reason));
    return answer_refuse(answer, 503, "process %u is not profiled: %s",
                         snapshot->header.pid, reason);
}

int answer_close(struct answer *answer, FILE *out, int err)
{
    if (!out)
        return answer_refuse_for_memory(answer);
    if (fclose(out) == 0 && !err)
        return 200;
    free(answer->body);
    return answer_refuse_for_memory(answer);
}
