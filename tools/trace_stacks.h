/* SPDX-License-Identifier: MIT */
/*
 * trace_stacks.h - the stacks of a trace's moments, as a tree of named frames.
 *
 * Stacks with a common outer part share it: a stack is the number of its leaf,
 * which is how the trace event format has them. Only the callsites that occur
 * are symbolized. Read next: profile.h, trace_json.c.
 */
#ifndef PREPROF_TRACE_STACKS_H
#define PREPROF_TRACE_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "profile.h"
#include "segment_read.h"
#include "trace_ring.h"

struct trace_frame {
    uint32_t parent;   /* less than its own number; 0 none */
    uint32_t location; /* index, and that of the line in it */
    uint32_t line;
};

struct trace_stack {
    uint32_t leaf; /* number of its frame; 0: it does not occur */
    const struct profile_sample *sample;
};

struct trace_stacks {
    struct profile *profile;    /* owns the texts */
    struct trace_frame *frames; /* [1] is the first */
    uint32_t frame_count;       /* [0] counts, too */
    size_t frames_room;
    uint32_t *slots; /* a hash of frames, by what is in them; 0 free */
    size_t slot_count;
    struct trace_stack *list; /* by callsite */
    uint32_t callsite_count;
};

/* The stacks of these moments by a snapshot read with SEGMENT_READ_STACKS after
 * them. Moments may say anything. Returns 0 or -ENOMEM; freed by
 * trace_stacks_free() either way. */
int trace_stacks_make(const struct trace_moments *moments,
                      const struct segment_snapshot *snapshot,
                      struct symbolizer *symbolizer,
                      struct trace_stacks *stacks);

/* The leaf of a callsite; 0 when it has no stack: there is no such callsite. */
uint32_t trace_stacks_leaf(const struct trace_stacks *stacks,
                           uint32_t callsite);

/* The labels that the thread was under there; of a callsite with a leaf. */
struct profile_label_set trace_stacks_labels(const struct trace_stacks *stacks,
                                             uint32_t callsite);

/* What a frame is, and the file that its code is in, "" unknown. */
const struct profile_line *trace_stacks_line(const struct trace_stacks *stacks,
                                             uint32_t frame);
const char *trace_stacks_module(const struct trace_stacks *stacks,
                                uint32_t frame);

void trace_stacks_free(struct trace_stacks *stacks);

#endif
