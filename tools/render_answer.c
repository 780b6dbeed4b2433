/* SPDX-License-Identifier: MIT */
/* render_answer.c - see render_answer.h. */
#include "render_answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "answer_encode.h"
#include "answer_window.h"
#include "process_list.h"
#include "process_prune.h"
#include "profile.h"
#include "render.h"
#include "render_json.h"
#include "render_symbol.h"
#include "render_thread.h"
#include "segment_delta.h"
#include "segment_find.h"
#include "segment_fold.h"
#include "segment_read.h"
#include "symbolize.h"

_Static_assert(RENDER_HZ_MAX == SEGMENT_CPU_HZ_MAX, "what is asked is done");
_Static_assert(RENDER_CURSOR_MAX <= SEGMENT_CLIENT_MAX, "a client fits");

/* What a symbolizer remembers grows with every process it has seen. */
#define SYMBOLIZER_ANSWERS_MAX 4096

/* A process asked for by its program's name gets its pid; a window has its own
 * from the beginning. A status. */
static int find_process(struct answer *answer, struct render_request *request)
{
    struct segment_error error;
    int err;

    if (!request->program ||
        (request->window && strcmp(request->window, "begin") != 0))
        return 0;
    err = segment_find_program(request->directory, request->program,
                               &request->pid, &error);
    return err ? answer_refuse_for_segment(answer, &error, err) : 0;
}

/* ---- profiles ---------------------------------------------------------- */

/* Makes the snapshot what the request wants to see of it. A status, and since
 * when it counts; 0 from the beginning. */
static int cut_snapshot(struct answer *answer,
                        struct segment_snapshot *snapshot,
                        const struct profile_kind *kind, uint64_t *since_ns)
{
    const struct render_request *request = answer->request;
    struct render *render = answer->render;
    int err = 0;

    *since_ns = 0;
    if (request->cursor && !profile_kind_is_heap(kind) &&
        kind->event != SEGMENT_EVENT_BLOCK &&
        kind->event != SEGMENT_EVENT_MUTEX)
        return answer_refuse(answer, 400, "no cursor in %s", kind->name);
    if (request->cursor)
        err = segment_delta(render->deltas, snapshot, kind->event,
                            request->cursor, since_ns);
    if (!err && request->limit)
        err =
            segment_fold(render->folds, snapshot, kind->event, request->limit);
    return err ? answer_refuse_for_memory(answer) : 0;
}

static int answer_profile(struct answer *answer,
                          const struct profile_kind *kind)
{
    uint64_t since_ns;
    struct segment_snapshot *snapshot;
    struct profile *profile = NULL;
    int status = answer_read_segment(answer, SEGMENT_READ_STACKS, &snapshot);

    if (status)
        return status;
    if (!profile_kind_is_heap(kind) &&
        strcmp(answer->request->format, "gperftools") == 0) {
        status = answer_refuse(answer, 400, "no format gperftools of %s",
                               kind->name);
    } else if ((status = answer_check_profiled(answer, snapshot, kind))) {
        /* refused */
    } else if ((status = cut_snapshot(answer, snapshot, kind, &since_ns))) {
        /* refused */
    } else {
        profile =
            profile_from_segment(snapshot, answer->render->symbolizer, kind);
        if (profile && since_ns && since_ns < profile->time_ns)
            profile->duration_ns = profile->time_ns - since_ns;
        status = profile && answer_encode(answer, snapshot, profile) == 0
                     ? 200
                     : answer_refuse_for_memory(answer);
    }
    profile_free(profile);
    segment_snapshot_free(snapshot);
    return status;
}

/* The segment says whether the process may be looked at, and lives. */
static int answer_threads(struct answer *answer)
{
    const struct render_request *request = answer->request;
    struct segment_snapshot *snapshot;
    int status = answer_read_segment(answer, SEGMENT_READ_TOTALS, &snapshot);
    int err = -ESRCH;

    if (status)
        return status;
    if (snapshot->life == SEGMENT_LIFE_LIVE)
        err = render_thread_write(request, answer->render->symbolizer,
                                  &answer->body, &answer->size);
    segment_snapshot_free(snapshot);
    return err ? answer_refuse_for_threads(answer, err) : 200;
}

/* ---- the other kinds --------------------------------------------------- */

typedef int write_function(const struct segment_snapshot *snapshot,
                           struct render_request request,
                           struct symbolizer *symbolizer, FILE *out);

static int write_counts(const struct segment_snapshot *snapshot,
                        struct render_request request,
                        struct symbolizer *symbolizer, FILE *out)
{
    (void)request, (void)symbolizer;
    return render_json_counts(snapshot, out);
}

static int write_vars(const struct segment_snapshot *snapshot,
                      struct render_request request,
                      struct symbolizer *symbolizer, FILE *out)
{
    (void)request, (void)symbolizer;
    return render_json_vars(snapshot, out);
}

static int write_symbols(const struct segment_snapshot *snapshot,
                         struct render_request request,
                         struct symbolizer *symbolizer, FILE *out)
{
    return render_symbol_write(snapshot, symbolizer,
                               request.symbols ? request.symbols : "", out);
}

static int write_cmdline(const struct segment_snapshot *snapshot,
                         struct render_request request,
                         struct symbolizer *symbolizer, FILE *out)
{
    (void)request, (void)symbolizer;
    return render_cmdline_write(snapshot, out);
}

static int answer_written(struct answer *answer, enum segment_parts parts,
                          write_function *write)
{
    struct segment_snapshot *snapshot;
    int status = answer_read_segment(answer, parts, &snapshot);
    FILE *out;
    int err = 0;

    if (status)
        return status;
    out = open_memstream(&answer->body, &answer->size);
    if (out)
        err =
            write(snapshot, *answer->request, answer->render->symbolizer, out);
    segment_snapshot_free(snapshot);
    return answer_close(answer, out, err);
}

static int answer_list(struct answer *answer)
{
    struct process_list list;
    struct segment_error error;
    FILE *out;
    int err;

    process_prune_old(answer->request->directory);
    err = process_list_read(answer->request->directory, &list, &error);
    if (err)
        return answer_refuse_for_segment(answer, &error, err);
    out = open_memstream(&answer->body, &answer->size);
    if (out)
        err = render_json_list(&list, out);
    process_list_free(&list);
    return answer_close(answer, out, err);
}

/* ---- all of them ------------------------------------------------------- */

struct render *render_new(void)
{
    struct render *render = calloc(1, sizeof(*render));

    if (!render)
        return NULL;
    render->symbolizer = symbolizer_new();
    render->folds = segment_folds_new();
    render->deltas = segment_deltas_new();
    if (render->symbolizer && render->folds && render->deltas)
        return render;
    render_free(render);
    return NULL;
}

void render_free(struct render *render)
{
    if (!render)
        return;
    render_window_drop_all(&render->windows);
    symbolizer_free(render->symbolizer);
    segment_folds_free(render->folds);
    segment_deltas_free(render->deltas);
    free(render);
}

static int renew_symbolizer(struct render *render)
{
    struct symbolizer *fresh;

    if (render->answers++ < SYMBOLIZER_ANSWERS_MAX)
        return 0;
    fresh = symbolizer_new();
    if (!fresh)
        return -ENOMEM;
    symbolizer_free(render->symbolizer);
    render->symbolizer = fresh;
    render->answers = 1;
    return 0;
}

static bool is_trace(const struct render_request *request)
{
    return strcmp(request->kind, "trace") == 0;
}

static int choose_answer(struct answer *answer)
{
    static const struct {
        const char *kind;
        enum segment_parts parts;
        write_function *write;
    } written[] = {
        {"counts", SEGMENT_READ_TOTALS, write_counts},
        {"vars", SEGMENT_READ_TOTALS, write_vars},
        {"symbol", SEGMENT_READ_STACKS, write_symbols},
        {"cmdline", SEGMENT_READ_TOTALS, write_cmdline},
    };
    const struct render_request *request = answer->request;
    const struct profile_kind *kind = profile_kind_find(request->kind);

    if (request->window && (kind || is_trace(request)))
        return answer_window(answer, kind);
    if (is_trace(request))
        return answer_refuse(answer, 400, "kind trace needs a window");
    if (kind && kind->event == SEGMENT_EVENT_CPU)
        return answer_refuse(answer, 400, "kind %s needs a window", kind->name);
    if (kind && strcmp(kind->name, "goroutine") == 0)
        return answer_threads(answer);
    if (kind)
        return answer_profile(answer, kind);
    if (strcmp(request->kind, "list") == 0)
        return answer_list(answer);
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
        if (strcmp(request->kind, written[i].kind) == 0)
            return answer_written(answer, written[i].parts, written[i].write);
    return answer_refuse(answer, 400, "no kind %.64s", request->kind);
}

static bool is_format(const char *format)
{
    static const char *const formats[] = {"pprof", "text", "folded",
                                          "gperftools"};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(format, formats[i]) == 0)
            return true;
    return false;
}

int render_answer(struct render *render, const struct render_request *request,
                  char **body, size_t *size)
{
    struct render_request checked = *request;
    struct answer answer = {.render = render, .request = &checked};
    int status;

    if (!checked.format)
        checked.format = "pprof";
    if (!is_format(checked.format))
        status = answer_refuse(&answer, 400, "no format %.64s", checked.format);
    else if (renew_symbolizer(render) != 0)
        status = answer_refuse_for_memory(&answer);
    else if (!(status = find_process(&answer, &checked)))
        status = choose_answer(&answer);
    *body = answer.body;
    *size = answer.size;
    return status;
}
