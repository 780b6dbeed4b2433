/* SPDX-License-Identifier: MIT */
/*
 * trace_json.c - see trace_json.h.
 *
 * Perfetto stops at the first key of the outer object that it does not know, so
 * stackFrames comes last.
 */
#include "trace_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"
#include "trace_out.h"
#include "trace_samples.h"
#include "trace_stacks.h"

/* What a clock may be read later than the trace was ended. */
#define LATE_NS UINT64_C(2000000000)

struct writer {
    const struct trace *trace;
    struct trace_out out;
    struct trace_stacks stacks;
    struct trace_samples samples;
    const struct segment_moment **moments; /* sound ones, by thread and time */
    size_t moment_count;
    uint64_t left_out; /* events, when `out` was full */
};

/* ---- names ------------------------------------------------------------- */

/* With all keys that Chrome gives them: speedscope takes a trace for one with
 * CPU profiles by those of its first event, and sorts by ts. */
static void put_name(struct writer *writer, const char *what, uint32_t tid,
                     const char *name)
{
    trace_out_begin(&writer->out, 'M', tid, what);
    fputs(",\"cat\":\"__metadata\",\"ts\":0,\"args\":{\"name\":",
          writer->out.file);
    trace_out_text(&writer->out, name);
    fputs("}}", writer->out.file);
}

static void put_names(struct writer *writer)
{
    put_name(writer, "process_name", writer->out.pid,
             writer->stacks.profile->program);
    for (size_t i = 0; i < writer->trace->thread_count; i++) {
        struct trace_thread thread = writer->trace->threads[i];

        printable_clean(thread.name, strlen(thread.name));
        put_name(writer, "thread_name", thread.tid, thread.name);
    }
}

/* ---- counters ---------------------------------------------------------- */

static void put_counter(struct writer *writer, const char *name,
                        const char *unit, uint64_t time_ns, uint64_t value)
{
    trace_out_begin(&writer->out, 'C', writer->out.pid, name);
    trace_out_us(&writer->out, "ts", time_ns);
    fprintf(writer->out.file, ",\"args\":{\"%s\":%" PRIu64 "}}", unit, value);
}

static void put_counters(struct writer *writer)
{
    for (size_t i = 0; i < writer->trace->counter_count; i++) {
        const struct trace_counter *counter = &writer->trace->counters[i];

        if (counter->has_heap) {
            put_counter(writer, "heap in use", "bytes", counter->time_ns,
                        counter->inuse_space);
            put_counter(writer, "heap objects", "objects", counter->time_ns,
                        counter->inuse_objects);
        }
        if (counter->resident)
            put_counter(writer, "resident memory", "bytes", counter->time_ns,
                        counter->resident);
    }
}

/* ---- waits, releases, new threads -------------------------------------- */

static void put_place(struct writer *writer, uint32_t frame)
{
    const struct profile_line *line = trace_stacks_line(&writer->stacks, frame);
    char *place;
    int length = *line->file ? asprintf(&place, "%s %s:%" PRIu32,
                                        line->function, line->file, line->line)
                             : asprintf(&place, "%s", line->function);

    if (length < 0) {
        writer->out.failed = true;
        return;
    }
    fputs("\"place\":", writer->out.file);
    trace_out_text(&writer->out, place);
    free(place);
}

static void put_labels(struct writer *writer, struct profile_label_set set)
{
    for (size_t i = 0; i < set.count; i++) {
        fputs(i ? "," : ",\"labels\":{", writer->out.file);
        trace_out_text(&writer->out, set.labels[i].key);
        putc(':', writer->out.file);
        trace_out_text(&writer->out, set.labels[i].value);
    }
    if (set.count)
        putc('}', writer->out.file);
}

static void put_event(struct writer *writer,
                      const struct segment_moment *moment)
{
    static const struct {
        const char *name, *category;
    } kinds[SEGMENT_EVENT_COUNT] = {
        [SEGMENT_EVENT_THREAD] = {"new thread", "thread"},
        [SEGMENT_EVENT_BLOCK] = {"wait", "lock"},
        [SEGMENT_EVENT_MUTEX] = {"release", "lock"},
        [SEGMENT_EVENT_CPU] = {"CPU sample", "cpu"},
    };
    uint32_t event = SEGMENT_MOMENT_EVENT(moment->thread);
    uint32_t leaf = trace_stacks_leaf(&writer->stacks, moment->callsite);
    bool is_wait = event == SEGMENT_EVENT_BLOCK;
    FILE *file = writer->out.file;

    trace_out_begin(&writer->out, is_wait ? 'X' : 'i',
                    SEGMENT_MOMENT_TID(moment->thread), kinds[event].name);
    fprintf(file, ",\"cat\":\"%s\"", kinds[event].category);
    trace_out_us(&writer->out, "ts",
                 moment->end_ns - (is_wait ? moment->delay_ns : 0));
    if (is_wait)
        trace_out_us(&writer->out, "dur", moment->delay_ns);
    else
        fputs(",\"s\":\"t\"", file);
    fprintf(file, ",\"sf\":%" PRIu32 ",\"args\":{", leaf);
    put_place(writer, leaf);
    put_labels(writer, trace_stacks_labels(&writer->stacks, moment->callsite));
    if (event == SEGMENT_EVENT_MUTEX)
        trace_out_us(&writer->out, "others waited us", moment->delay_ns);
    fputs("}}", file);
}

/* A CPU sample is one of its thread's profile, where there is no place for
 * labels. */
static bool is_event(const struct writer *writer,
                     const struct segment_moment *moment)
{
    return SEGMENT_MOMENT_EVENT(moment->thread) != SEGMENT_EVENT_CPU ||
           trace_stacks_labels(&writer->stacks, moment->callsite).count > 0;
}

/* ---- all threads ------------------------------------------------------- */

/* The moments of one thread. */
static void put_thread(struct writer *writer,
                       const struct segment_moment *const *moments,
                       size_t count)
{
    trace_samples_write(&writer->samples, moments, count);
    for (size_t i = 0; i < count; i++) {
        if (!is_event(writer, moments[i]))
            continue;
        if (trace_out_is_full(&writer->out))
            writer->left_out++;
        else
            put_event(writer, moments[i]);
    }
}

static void put_moments(struct writer *writer)
{
    for (size_t i = 0, end; i < writer->moment_count; i = end) {
        uint32_t tid = SEGMENT_MOMENT_TID(writer->moments[i]->thread);

        for (end = i + 1;
             end < writer->moment_count &&
             SEGMENT_MOMENT_TID(writer->moments[end]->thread) == tid;
             end++)
            ;
        put_thread(writer, writer->moments + i, end - i);
    }
}

static int compare_moments(const void *a, const void *b)
{
    const struct segment_moment *x = *(const struct segment_moment *const *)a;
    const struct segment_moment *y = *(const struct segment_moment *const *)b;
    uint32_t p = SEGMENT_MOMENT_TID(x->thread);
    uint32_t q = SEGMENT_MOMENT_TID(y->thread);

    if (p != q)
        return (p > q) - (p < q);
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* A moment is what a segment says it is. */
static bool is_sound(const struct writer *writer,
                     const struct segment_moment *moment)
{
    uint32_t event = SEGMENT_MOMENT_EVENT(moment->thread);

    return event > SEGMENT_EVENT_NONE && event < SEGMENT_EVENT_COUNT &&
           SEGMENT_MOMENT_TID(moment->thread) > 0 &&
           moment->end_ns >= writer->trace->begin_ns &&
           moment->end_ns <= writer->trace->end_ns + LATE_NS &&
           moment->delay_ns <= moment->end_ns &&
           trace_stacks_leaf(&writer->stacks, moment->callsite) != 0;
}

static int sort_moments(struct writer *writer)
{
    struct trace_moments moments = writer->trace->moments;

    writer->moments = calloc(moments.count + 1, sizeof(*writer->moments));
    if (!writer->moments)
        return -ENOMEM;
    for (size_t i = 0; i < moments.count; i++)
        if (is_sound(writer, &moments.list[i]))
            writer->moments[writer->moment_count++] = &moments.list[i];
    qsort(writer->moments, writer->moment_count, sizeof(*writer->moments),
          compare_moments);
    return 0;
}

/* ---- around the events ------------------------------------------------- */

static void put_other_data(struct writer *writer)
{
    const struct trace *trace = writer->trace;
    const struct profile *profile = writer->stacks.profile;
    uint64_t unsound = trace->moments.count - writer->moment_count;
    FILE *file = writer->out.file;

    fprintf(file,
            "\"otherData\":{\"clock\":\"CLOCK_MONOTONIC\","
            "\"CPU samples a second\":\"%u\",\"CPU samples blocked\":\"%" PRIu64
            "\",\"events lost\":\"%" PRIu64
            "\",\"short waits left out\":\"%" PRIu64
            "\",\"which took less than us\":\"%" PRIu64 ".%03u\"",
            trace->hz, trace->blocked,
            trace->moments.lost + unsound + writer->left_out +
                writer->samples.left_out,
            trace->moments.shorts, trace->moments.short_ns / 1000,
            (unsigned)(trace->moments.short_ns % 1000));
    for (size_t i = 0; i < profile->comment_count; i++) {
        fprintf(file, ",\n\"note %zu\":", i + 1);
        trace_out_text(&writer->out, profile->comments[i]);
    }
    putc('}', file);
}

static void put_frames(struct writer *writer)
{
    const struct trace_stacks *stacks = &writer->stacks;
    FILE *file = writer->out.file;

    fputs("\"stackFrames\":{", file);
    for (uint32_t i = 1; i < stacks->frame_count; i++) {
        fprintf(file, "%s\n\"%" PRIu32 "\":{\"category\":", i > 1 ? "," : "",
                i);
        trace_out_text(&writer->out, trace_stacks_module(stacks, i));
        fputs(",\"name\":", file);
        trace_out_text(&writer->out, trace_stacks_line(stacks, i)->function);
        if (stacks->frames[i].parent)
            fprintf(file, ",\"parent\":%" PRIu32, stacks->frames[i].parent);
        putc('}', file);
    }
    putc('}', file);
}

/* Names and counters have limits of their own. */
static void put_all(struct writer *writer)
{
    FILE *file = writer->out.file;

    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
    put_names(writer);
    put_counters(writer);
    put_moments(writer);
    fputs("],\n", file);
    put_other_data(writer);
    fputs(",\n", file);
    put_frames(writer);
    fputs("}\n", file);
}

int trace_json_write(const struct trace *trace,
                     const struct segment_snapshot *snapshot,
                     struct symbolizer *symbolizer, FILE *out)
{
    struct writer writer = {.trace = trace,
                            .out = {.file = out, .pid = snapshot->header.pid}};
    int err = trace_stacks_make(&trace->moments, snapshot, symbolizer,
                                &writer.stacks);

    if (!err)
        err = sort_moments(&writer);
    if (!err)
        err = trace_samples_begin(&writer.samples, &writer.stacks, &writer.out,
                                  writer.moment_count);
    if (!err) {
        put_all(&writer);
        err = writer.out.failed ? -ENOMEM : 0;
    }
    trace_samples_end(&writer.samples);
    trace_stacks_free(&writer.stacks);
    free(writer.moments);
    return err;
}
