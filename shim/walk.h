/* SPDX-License-Identifier: MIT */
/*
 * walk.h - from a point in the program to the return addresses above it.
 *
 * Captures a stack without a lock, an allocation or a symbol lookup. It must
 * never symbolize, never call into the program, and never write anything but
 * its own caches. Frames are undone by rules of one word (cfi.h, rules.h);
 * where a stack has a frame without one, by all registers (walk_escape.h); and
 * code that has no unwind tables is guessed through (guess.h). All of it takes
 * less than 1.5 KiB of stack. Read next: cfi.h, spine.h, callsite.h (what
 * becomes of a stack).
 */
#ifndef PREPROF_WALK_H
#define PREPROF_WALK_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* Where a walk begins: the caller of an interposed function, as it will be
 * when that function returns. */
struct walk_start {
    uintptr_t pc; /* return address into the caller */
    uintptr_t sp; /* the caller's stack pointer after the return (our CFA) */
    uintptr_t bp; /* the caller's frame pointer register */
};

/* A frame larger than this is a wrong rule, or another stack. */
#define WALK_FRAME_SIZE_MAX (UINT64_C(16) << 20)

/* How a walk ended, and what it had to do. */
enum walk_flags {
    WALK_COMPLETE = 0,       /* reached the outermost frame */
    WALK_TRUNCATED = 1 << 0, /* frames_max reached, or the rest is unreadable */
    WALK_GUESSED = 1 << 1,   /* at least one step by frame pointer alone */
};

/* A frame of a stack: its pc, and what is special about it. EXACT: interrupted
 * at this pc, to which all others return. GUESSED: found by frame pointer. */
#define WALK_FRAME_EXACT   (UINT64_C(1) << 63)
#define WALK_FRAME_GUESSED (UINT64_C(1) << 62)
#define WALK_FRAME_PC(frame)                                                   \
    ((frame) & ~(WALK_FRAME_EXACT | WALK_FRAME_GUESSED))

/*
 * Writes the stack to frames[], leaf first: frames[0] is start->pc, then the
 * return addresses outwards, at most frames_max (> 0). *flags becomes a set of
 * walk_flags. Returns the number of frames, at least 1.
 *
 * Threads: any. Async-signal-safe; never allocates. `start` is in a caller of
 * the calling function.
 */
size_t walk_capture(const struct walk_start *start, uintptr_t *frames,
                    size_t frames_max, unsigned *flags);

/* The same from a signal handler, for the code that the signal interrupted:
 * frames[0] is where it was, and marked as exact. */
size_t walk_capture_context(const ucontext_t *context, uintptr_t *frames,
                            size_t frames_max, unsigned *flags);

/* The start of a walk from a function that the compiler gave a frame pointer
 * (its file is built with -fno-omit-frame-pointer). A macro: it is about the
 * function it stands in. */
#define WALK_START_HERE()                                                      \
    ((struct walk_start){                                                      \
        .pc = (uintptr_t)__builtin_return_address(0),                          \
        .sp = (uintptr_t)__builtin_dwarf_cfa(),                                \
        .bp = *(const uintptr_t *)__builtin_frame_address(0),                  \
    })

/*
 * Forgets every rule about code in [start, end): other code may be mapped
 * there now. Threads: any.
 */
void walk_forget(uintptr_t start, uintptr_t end);

#endif
