/* SPDX-License-Identifier: MIT */
/*
 * walk_escape.h - a walk through frames that sp and bp alone cannot undo:
 * signal frames, the lazy binder, assembly.
 *
 * Begins with all registers as they are here, undoes the shim's own frames
 * until it meets the start, and goes on with all registers (frame.h).
 * Read next: walk.h.
 */
#ifndef PREPROF_WALK_ESCAPE_H
#define PREPROF_WALK_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "walk.h"

/* A stack as it grows. */
struct walk_out {
    uintptr_t *frames;
    size_t count, frames_max;
    unsigned flags;
};

/* Adds a frame; false when there is no room for it. */
static inline bool walk_add(struct walk_out *out, uintptr_t pc, uintptr_t tag)
{
    if (UNLIKELY(out->count == out->frames_max))
        return false;
    out->frames[out->count++] = WALK_FRAME_PC(pc) | tag;
    if (UNLIKELY(tag & WALK_FRAME_GUESSED))
        out->flags |= WALK_GUESSED;
    return true;
}

/* As walk_capture(). */
COLD size_t walk_escape(const struct walk_start *start, uintptr_t *frames,
                        size_t frames_max, unsigned *flags);

/* Adds *frame and all frames outside it. */
void walk_escape_from(struct walk_out *out, struct frame *frame);

#endif
