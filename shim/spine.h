/* SPDX-License-Identifier: MIT */
/*
 * spine.h - a thread's last stack, and from it the next one.
 *
 * Two stacks of one thread share most of their outer frames. The spine keeps
 * the last one, root first. A new walk goes outwards by rules only until it
 * meets a frame of the spine: same pc, same sp and, where an outer CFA depends
 * on it, same rbp. From there on the frames are not walked but proven, by
 * re-reading the words that unwinding them would read:
 *
 *   for each frame, towards the root: the return address still is the next
 *   frame's pc; where an outer frame demands rbp and this one has saved it,
 *   the saved rbp still is the one remembered; and where the CFA itself is
 *   read from the stack (CFI_REALIGNED), that word still says the same
 *
 * By induction a fresh walk would yield these very frames (reference:
 * unwinding.md 3.2), and every address read is one it would read: memory that
 * is no stack is never touched. Where a word differs, the frames inside it are
 * proven, and the walk goes on outside them by rules, to join again. Comparing
 * return addresses alone is not enough: tests/unit/test_spine.c has the
 * counterexample.
 *
 * Each frame has the hash of its path from the root, so only frames that
 * changed, and those inside them, are hashed.
 *
 * One thread uses a spine, while it is marked busy (thread.h); it is empty
 * while a walk is at work, so a walk abandoned by longjmp leaves an empty one.
 * Memory of zeros is an empty spine. Read next: memo.h, step.h.
 */
#ifndef PREPROF_SPINE_H
#define PREPROF_SPINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "segment.h"
#include "walk.h"

struct spine_frame {
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t bp;   /* at pc; what it was when last walked */
    uint64_t path;  /* hash of the frames from the root to this one */
    uint32_t slot;  /* of its rule (cfi.h): rbp is saved at CFA - this */
    uint32_t flags; /* of enum spine_flags */
};

enum spine_flags {
    SPINE_USES_BP = 1 << 0,    /* its CFA comes from rbp */
    SPINE_DEMANDS_BP = 1 << 1, /* its or an outer CFA does */
    /* Outer frames demand the rbp that it has saved. */
    SPINE_CHECKS_SLOT = 1 << 2,
    SPINE_REALIGNED = 1 << 3, /* CFI_REALIGNED */
};

#define SPINE_FRAMES (SEGMENT_DEPTH_MAX + SEGMENT_DEPTH_MAX / 2)

struct spine {
    uint32_t count; /* frames[0 .. count) are the last stack, root first */
    bool truncated; /* outer frames are missing */
    /* New frames are gathered at the end, downwards, until it is known where
     * they join. */
    struct spine_frame frames[SPINE_FRAMES];
};

/*
 * Makes the spine the stack that begins at *start. Returns false, and an empty
 * spine, when that takes more than rsp, rbp and SEGMENT_DEPTH_MAX frames, or
 * more new frames than there is room: then walk_capture() must do it. `origin`
 * is path_origin(); when it is another than the last time, the spine must be
 * emptied first. Async-signal-safe.
 */
bool spine_walk(struct spine *spine, const struct walk_start *start,
                uint64_t origin);

/* The stack's hash (path.h); the spine is not empty. */
static ALWAYS_INLINE uint64_t spine_path(const struct spine *spine)
{
    return spine->frames[spine->count - 1].path;
}

/* Writes the pcs of the stack, leaf first. */
void spine_read(const struct spine *spine, uintptr_t *pcs);

#endif
