/* SPDX-License-Identifier: MIT */
/*
 * frame.h - one frame outwards with all registers.
 *
 * For what a rule of 32 bits cannot say (cfi.h): signal frames, stacks whose
 * CFA comes from another register or an expression, and interrupted code, where
 * any instruction may be the one looked at. Some 0.3 us a frame, against a few
 * ns by rules. Read next: walk_escape.h, guess.h.
 */
#ifndef PREPROF_FRAME_H
#define PREPROF_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "arch.h"
#include "os.h"
#include "walk.h"

struct frame {
    uintptr_t pc;
    uintptr_t registers[ARCH_REGISTERS];
    /* The memory that may be read: all of it, where the rules are those of
     * calls and nothing was guessed; else the stack. */
    uintptr_t low, high;
    uintptr_t tag; /* WALK_FRAME_EXACT or WALK_FRAME_GUESSED (walk.h), or 0 */
    bool guessed;  /* a frame of this walk was */
    bool asks;     /* the kernel, before it reads a word */
};

enum frame_result {
    FRAME_MOVED,
    FRAME_OUTERMOST, /* there is none outside: *frame is as it was */
    FRAME_LOST,      /* nobody knows; the same */
};

/* The frame of an interrupted context. A rule for any instruction is not as
 * well tested as one for a call, so the walk is held to its stack where that is
 * known, and elsewhere asks the kernel what can be read. */
void frame_interrupted(struct frame *frame, const ucontext_t *context);

/* Moves *frame to its caller, or to what a signal interrupted.
 * Async-signal-safe; takes less than 1 KiB of stack. */
enum frame_result frame_out(struct frame *frame);

/* Reads a word of the memory that the frame may read. */
static inline bool frame_load(const struct frame *frame, uintptr_t address,
                              uintptr_t *word)
{
    if (address < frame->low || address > frame->high - sizeof(*word) ||
        address % sizeof(*word) != 0 ||
        (UNLIKELY(frame->asks) && !os_is_readable(address)))
        return false;
    *word = *(const uintptr_t *)address;
    return true;
}

#endif
