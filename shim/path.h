/* SPDX-License-Identifier: MIT */
/*
 * path.h - the running hash of a stack, from the root to the leaf.
 *
 * A stack is found by the hash of its whole path, and each of its outer parts
 * by that of its own: one hash step a frame, and none for outer frames whose
 * hash is known (spine.h). Read next: callsite.h.
 */
#ifndef PREPROF_PATH_H
#define PREPROF_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "cc.h"

/* What stacks of equal frames may differ by. Those seen before code was
 * replaced at the same addresses must not be found again (`remaps`, module.h),
 * and those under other labels (label.h) are others. */
static ALWAYS_INLINE uint64_t path_origin(uint64_t remaps, uint32_t labels)
{
    return remaps << 16 | labels;
}

static ALWAYS_INLINE uint32_t path_labels(uint64_t origin)
{
    return origin & 0xffff;
}

/* Where a path begins. A stack without its outer frames is another one than the
 * same frames at the root. */
static ALWAYS_INLINE uint64_t path_start(uint64_t origin, bool truncated)
{
    return (origin << 1 | truncated) * 0xd6e8feb86659fd93u;
}

static ALWAYS_INLINE uint64_t path_step(uint64_t path, uintptr_t pc)
{
    path = (path ^ pc) * 0x9e3779b97f4a7c15u;
    path ^= path >> 32;
    path *= 0xd6e8feb86659fd93u;
    return path ^ path >> 29;
}

#endif
