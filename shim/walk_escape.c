/* SPDX-License-Identifier: MIT */
/* walk_escape.c - see walk_escape.h. */
#include "walk_escape.h"

#include "walk_count.h"

#define OWN_FRAMES_MAX 32 /* between walk_escape() and the program */

void walk_escape_from(struct walk_out *out, struct frame *frame)
{
    while (walk_add(out, frame->pc, frame->tag)) {
        enum frame_result result = frame_out(frame);

        if (result == FRAME_OUTERMOST ||
            (result == FRAME_MOVED && frame->pc == 0))
            return;
        if (result == FRAME_LOST)
            break;
    }
    out->flags |= WALK_TRUNCATED;
}

/* Undoes frames until *frame is the start. */
static bool find_start(struct frame *frame, const struct walk_start *start)
{
    for (int i = 0; i < OWN_FRAMES_MAX; i++) {
        if (frame_out(frame) != FRAME_MOVED)
            return false;
        if (frame->pc == start->pc && frame->registers[ARCH_SP] == start->sp)
            return true;
    }
    return false;
}

size_t walk_escape(const struct walk_start *start, uintptr_t *frames,
                   size_t frames_max, unsigned *flags)
{
    struct walk_out out = {frames, 0, frames_max, WALK_COMPLETE};
    /* The pc is that of the next instruction, not one behind a call. */
    struct frame frame = {.high = UINTPTR_MAX, .tag = WALK_FRAME_EXACT};

    WALK_COUNT(escaped, 1);
    frame.pc = arch_capture(frame.registers);
    if (find_start(&frame, start)) {
        walk_escape_from(&out, &frame);
    } else {
        walk_add(&out, start->pc, 0);
        out.flags |= WALK_TRUNCATED;
    }
    *flags = out.flags;
    return out.count;
}
