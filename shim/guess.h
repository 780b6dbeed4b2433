/* SPDX-License-Identifier: MIT */
/*
 * guess.h - one frame outwards where nothing says how: code without unwind
 * tables, such as a JIT compiler's.
 *
 * Most such code keeps the frame pointer at a record {caller's frame pointer,
 * return address}. Some keeps anything there, so a guess is made only where
 * the record would lie on the thread's own stack, between here and its outer
 * end: then it can be read, and what is read is checked. After a guess the
 * walk must not leave that stack, whatever rules it meets.
 *
 * Where a stack ends is known without asking the kernel: the main thread's
 * where the kernel put the program's name, another's at its thread control
 * block, when that lies above sp. On any other stack (fibers, alternate signal
 * stacks) nothing is guessed. Read next: walk.h.
 */
#ifndef PREPROF_GUESS_H
#define PREPROF_GUESS_H

#include <stdbool.h>
#include <stdint.h>

#include "walk.h"

/* The outer end of the stack that sp is on; 0 when it is not known.
 * Async-signal-safe. */
uintptr_t guess_stack_end(uintptr_t sp);

/* Moves *at to its caller by the frame record at at->bp; false, and *at as it
 * was, where that is no record below `end`. */
bool guess_out(struct walk_start *at, uintptr_t end);

#endif
