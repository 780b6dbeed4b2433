/* SPDX-License-Identifier: MIT */
/*
 * unwind_oracle.h - the stack above the caller according to libgcc, which has
 * nothing in common with shim/walk.h but the unwind tables.
 */
#ifndef PREPROF_UNWIND_ORACLE_H
#define PREPROF_UNWIND_ORACLE_H

#include <stddef.h>
#include <stdint.h>
#include <unwind.h>

#include "walk.h"

struct unwind_oracle {
    uintptr_t pc, sp; /* where to begin */
    uintptr_t *frames;
    size_t count, max;
    int found;
};

static inline _Unwind_Reason_Code
unwind_oracle_frame(struct _Unwind_Context *context, void *data)
{
    struct unwind_oracle *oracle = data;
    int exact = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &exact);

    oracle->found |= pc == oracle->pc &&
                     (!oracle->sp || _Unwind_GetCFA(context) >= oracle->sp);
    if (!oracle->found)
        return _URC_NO_REASON;
    if (!pc || oracle->count == oracle->max)
        return _URC_END_OF_STACK;
    oracle->frames[oracle->count++] = pc | (exact ? WALK_FRAME_EXACT : 0);
    return _URC_NO_REASON;
}

/* As walk_capture(). With sp 0 the stack begins at the first frame with the
 * pc. */
static inline size_t unwind_oracle(uintptr_t pc, uintptr_t sp,
                                   uintptr_t *frames, size_t max)
{
    struct unwind_oracle oracle = {pc, sp, frames, 0, max, 0};

    _Unwind_Backtrace(unwind_oracle_frame, &oracle);
    return oracle.count;
}

#endif
