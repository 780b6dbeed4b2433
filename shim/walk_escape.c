/* SPDX-License-Identifier: MIT */
/* walk_escape.c - see walk_escape.h. */
#include <unwind.h>

#include "walk_escape.h"

struct collector {
    const struct walk_start *start;
    uintptr_t *pcs;
    size_t frames, frames_max;
    int found; /* the walk has come out of the shim */
};

static _Unwind_Reason_Code collect(struct _Unwind_Context *context, void *data)
{
    struct collector *collector = data;
    uintptr_t pc = _Unwind_GetIP(context);

    if (!collector->found) {
        collector->found = pc == collector->start->pc &&
                           _Unwind_GetCFA(context) >= collector->start->sp;
        return _URC_NO_REASON;
    }
    if (!pc || collector->frames == collector->frames_max)
        return _URC_END_OF_STACK;
    collector->pcs[collector->frames++] = pc;
    return _URC_NO_REASON;
}

size_t walk_escape(const struct walk_start *start, uintptr_t *pcs,
                   size_t frames_max, unsigned *flags)
{
    struct collector collector = {start, pcs, 1, frames_max, 0};

    pcs[0] = start->pc;
    _Unwind_Backtrace(collect, &collector);
    *flags = collector.frames == frames_max ? WALK_TRUNCATED : WALK_COMPLETE;
    return collector.frames;
}
