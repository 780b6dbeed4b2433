/* SPDX-License-Identifier: MIT */
/*
 * walk.h - from a point in the program to the return addresses above it.
 *
 * Captures a stack without a lock, an allocation or a symbol lookup. It must
 * never symbolize, never call into the program, and never write anything but
 * its own caches. Read next: cfi.h (one frame's rule from .eh_frame), rules.h
 * (the cache of rules), walk_escape.h, callsite.h (what becomes of a stack).
 */
#ifndef PREPROF_WALK_H
#define PREPROF_WALK_H

#include <stddef.h>
#include <stdint.h>

/* Where a walk begins: the caller of an interposed function, as it will be
 * when that function returns. */
struct walk_start {
    uintptr_t pc; /* return address into the caller */
    uintptr_t sp; /* the caller's stack pointer after the return (our CFA) */
    uintptr_t bp; /* the caller's frame pointer register */
};

/* How a walk ended, and what it had to do. */
enum walk_flags {
    WALK_COMPLETE = 0,       /* reached the outermost frame */
    WALK_TRUNCATED = 1 << 0, /* frames_max reached, or the rest is unreadable */
    WALK_GUESSED = 1 << 1,   /* at least one step by frame pointer alone */
};

/*
 * Writes the stack to pcs[], leaf first: pcs[0] is start->pc, then the return
 * addresses outwards, at most frames_max (> 0). *flags becomes a set of
 * walk_flags. Returns the number of frames, at least 1.
 *
 * Threads: any. Async-signal-safe; never allocates. Code without unwind tables
 * ends the walk as truncated.
 */
size_t walk_capture(const struct walk_start *start, uintptr_t *pcs,
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
