/* SPDX-License-Identifier: MIT */
/*
 * heir.h - a new thread begins with the labels of the one that creates it.
 *
 * Only under a creator with labels: any other thread runs what it was given at
 * once. What an heir shall run waits in a slot, with the labels, from before it
 * is created until it begins. The slots are many and are taken in turn, without
 * a lock; nothing is ever waited for. In a forked child all are free again.
 * Read next: label.h, interpose_thread.c.
 */
#ifndef PREPROF_HEIR_H
#define PREPROF_HEIR_H

#include <stdint.h>

#define HEIRS_MAX 1024u /* created, and not begun */

struct heir {
    void (*run)(void); /* what it shall run, of another type ... */
    void *argument;    /* ... and with what */
    uint32_t labels;
    uint32_t taken;
};

/*
 * An heir of the calling thread. NULL when that has no labels to leave, or when
 * there is no slot, which is counted as HEIRS_FULL. Threads: any.
 */
struct heir *heir_make(void (*run)(void), void *argument);

/* In the new thread: gives it the labels, and the slot to others. */
void heir_begin(struct heir *heir);

/* The thread was not created. */
void heir_drop(struct heir *heir);

#endif
