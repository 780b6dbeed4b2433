/* SPDX-License-Identifier: MIT */
/*
 * wait.h - what the wrappers of locks and waits share: asking first whether
 * there will be a wait, and recording one that was.
 *
 * Recording a wait must not change it: what the caller sees is the real
 * function's result and errno, and everything here leaves errno alone. When
 * waits are not recorded, wrappers come no further than life_records_waits().
 * Read next: event.h, waiter.h.
 */
#ifndef PREPROF_WAIT_H
#define PREPROF_WAIT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <threads.h>
#include <time.h>

#include "cc.h"
#include "event.h"
#include "os.h"
#include "walk.h"

/* Whether a timed function would take its arguments: those that check them
 * first fail although they would not have to wait, so nothing may be tried in
 * their place. */
static ALWAYS_INLINE bool wait_is_valid(clockid_t clock,
                                        const struct timespec *until)
{
    return until && (uint64_t)until->tv_nsec < 1000000000u &&
           (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC);
}

/* Whether a call with this error has waited; 0 is none. */
static inline bool wait_happened(int error)
{
    return error == 0 || error == ETIMEDOUT || error == EOWNERDEAD ||
           error == EINTR;
}

/* The error that a result of C11's functions stands for. */
static inline int wait_error_c11(int result)
{
    return result == thrd_success    ? 0
           : result == thrd_timedout ? ETIMEDOUT
                                     : EINVAL;
}

/* Counts a wait that began then and is over now. */
static inline void wait_record(uint64_t began_ns,
                               const struct walk_start *start)
{
    event_record(SEGMENT_EVENT_BLOCK, os_monotonic_ns() - began_ns, start);
}

#endif
