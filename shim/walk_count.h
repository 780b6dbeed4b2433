/* SPDX-License-Identifier: MIT */
/*
 * walk_count.h - how stacks are found, counted in builds made for it.
 *
 * With -DPREPROF_COUNT_WALKS (make bench-walks) every process says at its end
 * on standard error what memo and spine did; otherwise nothing here leaves a
 * trace in the code. Read next: tracer.h, spine.h.
 */
#ifndef PREPROF_WALK_COUNT_H
#define PREPROF_WALK_COUNT_H

#ifdef PREPROF_COUNT_WALKS

#include <stdint.h>

#define WALK_COUNTERS(X)                                                       \
    X(asked)       /* the memo was asked for a stack ... */                    \
    X(recalled)    /* ... and knew it */                                       \
    X(unasked)     /* it was not asked (TRACER_PAUSE) */                       \
    X(joined)      /* stacks by the spine ... */                               \
    X(kept_frames) /* ... frames of it that the last stack had */              \
    X(new_frames)  /* ... and those that were walked */                        \
    X(new_0)       /* how often so many were new: none, */                     \
    X(new_1)                                                                   \
    X(new_2_3)                                                                 \
    X(new_4_7)                                                                 \
    X(new_8_15)                                                                \
    X(new_16)  /* or more */                                                   \
    X(escaped) /* stacks that took all registers */

struct walk_counts {
#define WALK_COUNTER(name) uint64_t name;
    WALK_COUNTERS(WALK_COUNTER)
#undef WALK_COUNTER
};

extern struct walk_counts walk_counts;

#define WALK_COUNT(name, n)                                                    \
    __atomic_fetch_add(&walk_counts.name, (uint64_t)(n), __ATOMIC_RELAXED)
#define WALK_COUNT_NEW(n)                                                      \
    ((void)((n) == 0   ? WALK_COUNT(new_0, 1)                                  \
            : (n) < 2  ? WALK_COUNT(new_1, 1)                                  \
            : (n) < 4  ? WALK_COUNT(new_2_3, 1)                                \
            : (n) < 8  ? WALK_COUNT(new_4_7, 1)                                \
            : (n) < 16 ? WALK_COUNT(new_8_15, 1)                               \
                       : WALK_COUNT(new_16, 1)))

#else

#define WALK_COUNT(name, n) ((void)0)
#define WALK_COUNT_NEW(n)   ((void)0)

#endif

#endif
