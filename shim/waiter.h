/* SPDX-License-Identifier: MIT */
/*
 * waiter.h - who waits for which lock now, so that who gives it back can be
 * charged for the delay.
 *
 * A thread that waits has a slot; the thread that is about to release the lock
 * takes from all slots of that lock the time since they were charged last, and
 * so each nanosecond of a wait is charged to one holder at most. The slots of a
 * lock are found from its home, a hash of the address:
 *
 *   waiting[home]        how many wait at locks of this home: what an
 *                        uncontended release looks at, and nothing else
 *   slots[home ... +63]  theirs, wherever there was room
 *
 * A slot goes 0 -> SLOT_TAKEN -> lock -> 0 by its `lock`. Its `since_ns` is 0
 * outside of a wait; who exchanges it for now has the time in between, who
 * exchanges it for 0 frees the slot. Nothing is waited for. A thread that ended
 * in the middle of a wait (asynchronous cancellation) is noticed by whoever
 * would charge for it after a second.
 * Read next: interpose_lock.c.
 */
#ifndef PREPROF_WAITER_H
#define PREPROF_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "cc.h"

#define WAITER_HOMES 1024u /* a power of two */
#define WAITER_REACH 64u   /* waiters of one lock that are seen */
#define WAITER_SLOTS (WAITER_HOMES + WAITER_REACH)

#define WAITER_DOUBTED_AFTER_NS UINT64_C(1000000000)

struct waiter {
    uintptr_t lock;    /* address, 0 for none */
    uint64_t since_ns; /* charged up to here */
    uint64_t began_ns;
    uint32_t tid;
};

struct waiter_table {
    uint32_t waiting[WAITER_HOMES];
    struct waiter slots[WAITER_SLOTS];
};

extern HIDDEN struct waiter_table *waiter_table; /* wiped in children */

/* Called at each birth. Returns 0 or -ENOMEM. */
int waiter_begin(void);

/* The calling thread waits for a lock from now on. NULL when there is no room;
 * that is counted. Async-signal-safe, as all here is. */
struct waiter *waiter_enter(const void *lock, uint64_t now_ns);

/* It no longer does; NULL is allowed. Of times read afterwards none that was
 * charged for this wait is later. */
void waiter_leave(struct waiter *waiter);

static ALWAYS_INLINE uint32_t waiter_home(uintptr_t lock)
{
    return (uint32_t)((lock * UINT64_C(0x9e3779b97f4a7c15)) >> 32) %
           WAITER_HOMES;
}

/* Whether anybody may be waiting for this lock. */
static ALWAYS_INLINE bool waiter_exists(const void *lock)
{
    return __atomic_load_n(&waiter_table->waiting[waiter_home((uintptr_t)lock)],
                           __ATOMIC_RELAXED) != 0;
}

struct waiter_charge {
    uint32_t waiters; /* that were charged for */
    uint64_t delay_ns;
};

/* Takes the time that others have waited for the lock and nobody was charged
 * for. */
struct waiter_charge waiter_charge(const void *lock, uint64_t now_ns);

#endif
