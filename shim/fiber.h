/* SPDX-License-Identifier: MIT */
/*
 * fiber.h - where the stacks that makecontext() makes end.
 *
 * Their outermost frame returns to the first instruction of a function of
 * libc's that nobody called: what is before it belongs to another function or
 * to none, and its own unwind rows are those of a function that was. So it is
 * known by its address, as an outermost frame. Fibers that other libraries
 * make end where their tables say so, or truncated. Read next: cfi.h.
 */
#ifndef PREPROF_FIBER_H
#define PREPROF_FIBER_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this is what the outermost function of a fiber returns to.
 * Async-signal-safe; false before the constructors have run. */
bool fiber_ends(uintptr_t return_address);

#endif
