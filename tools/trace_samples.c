/* SPDX-License-Identifier: MIT */
/* trace_samples.c - see trace_samples.h. */
#include "trace_samples.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#define CATEGORY "disabled-by-default-v8.cpu_profiler"

/* A sample, and the time that it is for. */
struct trace_span {
    uint64_t start_us, end_us;
    uint32_t leaf;
};

int trace_samples_begin(struct trace_samples *samples,
                        const struct trace_stacks *stacks,
                        struct trace_out *out, size_t count_max)
{
    *samples = (struct trace_samples){
        .stacks = stacks,
        .out = out,
        .spans = calloc(count_max + 1, sizeof(*samples->spans)),
        .given = calloc(stacks->frame_count, sizeof(*samples->given)),
    };
    return samples->spans && samples->given ? 0 : -ENOMEM;
}

void trace_samples_end(struct trace_samples *samples)
{
    free(samples->spans);
    free(samples->given);
}

/* ---- times ------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The spans of a thread, in order, without overlap: where a timer was late, the
 * earlier one is the shorter. Returns how many. */
static size_t make_spans(struct trace_span *spans,
                         const struct segment_moment *const *moments,
                         size_t count, const struct trace_stacks *stacks)
{
    uint64_t next_us = UINT64_MAX;
    size_t made = 0;

    for (size_t i = 0; i < count; i++)
        if (SEGMENT_MOMENT_EVENT(moments[i]->thread) == SEGMENT_EVENT_CPU)
            spans[made++] = (struct trace_span){
                .start_us = (moments[i]->end_ns - moments[i]->delay_ns) / 1000,
                .end_us = moments[i]->end_ns / 1000,
                .leaf = trace_stacks_leaf(stacks, moments[i]->callsite),
            };
    for (size_t i = made; i-- > 0;) {
        spans[i].end_us = least(spans[i].end_us, next_us);
        next_us = spans[i].start_us = least(spans[i].start_us, spans[i].end_us);
    }
    return made;
}

/* Whether the thread did not run before this span. */
static bool is_after_idle(const struct trace_span *span)
{
    uint64_t gap_us = span[0].start_us - span[-1].end_us;

    return 2 * gap_us > span[0].end_us - span[0].start_us;
}

/* ---- nodes ------------------------------------------------------------- */

/* The first numbers that no frame has are those of V8's own nodes: all stacks
 * begin with (root), and (idle) is one. */
static uint32_t root_node(const struct trace_samples *samples)
{
    return samples->stacks->frame_count;
}

static uint32_t idle_node(const struct trace_samples *samples)
{
    return samples->stacks->frame_count + 1;
}

static void put_node(struct trace_samples *samples, uint32_t frame)
{
    const struct profile_line *line = trace_stacks_line(samples->stacks, frame);
    uint32_t parent = samples->stacks->frames[frame].parent;
    uint32_t first = line->start_line ? line->start_line : line->line;
    FILE *file = samples->out->file;

    fprintf(file,
            ",\n{\"id\":%" PRIu32 ",\"parent\":%" PRIu32
            ",\"callFrame\":{\"functionName\":",
            frame, parent ? parent : root_node(samples));
    trace_out_text(samples->out, line->function);
    fputs(",\"url\":", file);
    trace_out_text(samples->out,
                   *line->file ? line->file
                               : trace_stacks_module(samples->stacks, frame));
    /* Lines count from 0 there. */
    fprintf(file,
            ",\"scriptId\":0,\"lineNumber\":%" PRIu32 ",\"columnNumber\":0}}",
            first ? first - 1 : 0);
}

static void put_own_nodes(struct trace_samples *samples)
{
    static const char rest[] = "\",\"url\":\"\",\"scriptId\":0,"
                               "\"lineNumber\":0,\"columnNumber\":0}}";

    fprintf(samples->out->file,
            "{\"id\":%" PRIu32 ",\"callFrame\":{\"functionName\":\"(root)%s,\n"
            "{\"id\":%" PRIu32 ",\"parent\":%" PRIu32
            ",\"callFrame\":{\"functionName\":\"(idle)%s",
            root_node(samples), rest, idle_node(samples), root_node(samples),
            rest);
}

/* The frames of a stack that this thread's profile has not, outermost first:
 * a parent has a lesser number than its child. */
static void put_stack(struct trace_samples *samples, uint32_t leaf)
{
    uint32_t missing[2 * SEGMENT_DEPTH_MAX];
    size_t count = 0;

    for (uint32_t frame = leaf;
         frame && samples->given[frame] != samples->threads;
         frame = samples->stacks->frames[frame].parent) {
        if (count == sizeof(missing) / sizeof(missing[0])) {
            put_stack(samples, frame); /* inlined frames may be any number */
            break;
        }
        missing[count++] = frame;
    }
    while (count-- > 0) {
        samples->given[missing[count]] = samples->threads;
        put_node(samples, missing[count]);
    }
}

/* Returns how many of the spans have their stacks now: there may be no room for
 * more. */
static size_t put_nodes(struct trace_samples *samples, size_t count)
{
    fputs("\"nodes\":[", samples->out->file);
    put_own_nodes(samples);
    for (size_t i = 0; i < count; i++) {
        uint32_t leaf = samples->spans[i].leaf;

        if (samples->given[leaf] == samples->threads)
            continue;
        if (trace_out_is_full(samples->out)) {
            count = i;
            break;
        }
        put_stack(samples, leaf);
    }
    putc(']', samples->out->file);
    return count;
}

/* ---- samples ----------------------------------------------------------- */

static void put_samples(struct trace_samples *samples, size_t count)
{
    const struct trace_span *spans = samples->spans;
    FILE *file = samples->out->file;

    fputs(",\"samples\":[", file);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && is_after_idle(&spans[i]))
            fprintf(file, "%" PRIu32 ",", idle_node(samples));
        fprintf(file, "%" PRIu32 ",", spans[i].leaf);
    }
    fprintf(file, "%" PRIu32 "]", idle_node(samples));
}

static void put_times(struct trace_samples *samples, size_t count)
{
    const struct trace_span *spans = samples->spans;
    FILE *file = samples->out->file;
    uint64_t last_us = spans[0].start_us;

    fputs(",\"timeDeltas\":[", file);
    for (size_t i = 0; i < count; i++) {
        uint64_t start_us = spans[i].start_us;

        if (i > 0 && is_after_idle(&spans[i])) {
            fprintf(file, "%" PRIu64 ",", spans[i - 1].end_us - last_us);
            last_us = spans[i - 1].end_us;
        }
        fprintf(file, "%" PRIu64 ",", start_us - last_us);
        last_us = start_us;
    }
    fprintf(file, "%" PRIu64 "]",
            count ? spans[count - 1].end_us - last_us : 0);
}

static void begin_event(struct trace_samples *samples, const char *name,
                        uint32_t tid)
{
    trace_out_begin(samples->out, 'P', tid, name);
    fprintf(samples->out->file,
            ",\"cat\":\"" CATEGORY "\",\"id\":\"0x%" PRIx32 "\"", tid);
    trace_out_us(samples->out, "ts", samples->spans[0].start_us * 1000);
    fputs(",\"args\":{\"data\":{", samples->out->file);
}

void trace_samples_write(struct trace_samples *samples,
                         const struct segment_moment *const *moments,
                         size_t count)
{
    FILE *file = samples->out->file;
    size_t spans = make_spans(samples->spans, moments, count, samples->stacks);
    size_t written;
    uint32_t tid;

    if (spans == 0 || trace_out_is_full(samples->out)) {
        samples->left_out += spans;
        return;
    }
    tid = SEGMENT_MOMENT_TID(moments[0]->thread);
    samples->threads++;
    begin_event(samples, "Profile", tid);
    fprintf(file, "\"startTime\":%" PRIu64 "}}}", samples->spans[0].start_us);
    begin_event(samples, "ProfileChunk", tid);
    fputs("\"cpuProfile\":{", file);
    written = put_nodes(samples, spans);
    put_samples(samples, written);
    putc('}', file);
    put_times(samples, written);
    fputs("}}}", file);
    samples->left_out += spans - written;
}
