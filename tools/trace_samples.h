/* SPDX-License-Identifier: MIT */
/*
 * trace_samples.h - the CPU samples of one thread as a CPU profile of V8's,
 * which is how the trace event format has them.
 *
 * There a sample lasts until the next one, while a sample of ours is for CPU
 * time that ends with it. So each begins so much earlier, and where the thread
 * did not run for longer than half of that, V8's "(idle)" lies in between.
 * Read next: trace_json.c, trace_stacks.h.
 */
#ifndef PREPROF_TRACE_SAMPLES_H
#define PREPROF_TRACE_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "trace_out.h"
#include "trace_stacks.h"

struct trace_samples {
    const struct trace_stacks *stacks;
    struct trace_out *out;
    struct trace_span *spans; /* of the thread at hand */
    uint32_t *given; /* by frame: the last thread whose profile has it */
    uint32_t threads;
    uint64_t left_out; /* samples, when `out` was full */
};

/* At most `count_max` moments of one thread. Returns 0 or -ENOMEM; freed by
 * trace_samples_end() either way. */
int trace_samples_begin(struct trace_samples *samples,
                        const struct trace_stacks *stacks,
                        struct trace_out *out, size_t count_max);

/* Writes the profile of a thread, whose moments these are, in order: those that
 * are CPU samples, if any. Each has a stack, and no delay longer than its
 * end_ns. */
void trace_samples_write(struct trace_samples *samples,
                         const struct segment_moment *const *moments,
                         size_t count);

void trace_samples_end(struct trace_samples *samples);

#endif
