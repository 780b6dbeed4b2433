/* SPDX-License-Identifier: MIT */
/*
 * label.h - what a thread says it works for: preprof_set_label().
 *
 * A thread's labels are a set of "key = value", at most one of each key. Sets
 * are paths in a tree of labels in the segment (segment.h), in the order of
 * their keys, so that equal sets are one number however they came about, and a
 * thread has but that number. It becomes the root of the stacks that are found
 * there meanwhile (callsite.h), and is written down where readers look for
 * threads (thread_place.h). Nothing is ever removed: the table is bounded, and
 * a label that finds no room is left out and counted.
 *
 * A new thread begins with its creator's labels (heir.h). A child that is
 * forked has a segment of its own, and starts without. Read next: label.c,
 * path.h.
 */
#ifndef PREPROF_LABEL_H
#define PREPROF_LABEL_H

#include <stdint.h>

#include "cc.h"
#include "life.h"
#include "segment.h"
#include "thread.h"

/* The labels of the calling thread, also where it has not joined this life.
 * Async-signal-safe. */
static ALWAYS_INLINE uint32_t label_current(void)
{
    const struct thread *thread = &thread_self;

    return thread->epoch == __atomic_load_n(&life->epoch, __ATOMIC_RELAXED)
               ? __atomic_load_n(&thread->labels, __ATOMIC_RELAXED)
               : 0;
}

/*
 * Makes `value` the calling thread's label for `key`, or removes that label
 * where value is NULL or "". Returns 0, or -errno as preprof_set_label() does.
 * Async-signal-safe: a handler that interrupts it has its change undone, as far
 * as it left one.
 */
int label_set(const char *key, const char *value);

/* Makes a set that there is, or 0, the calling thread's, which has joined.
 * Async-signal-safe. */
void label_adopt(uint32_t set);

#endif
