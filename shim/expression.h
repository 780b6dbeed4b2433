/* SPDX-License-Identifier: MIT */
/*
 * expression.h - DWARF expressions of unwind tables (DWARF 4, section 2.5).
 *
 * The operations that occur in real binaries, and no more: an unknown one, a
 * full stack or too many steps is a failure, never a guess.
 * Read next: frame.h.
 */
#ifndef PREPROF_EXPRESSION_H
#define PREPROF_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"

struct frame;

/*
 * Evaluates an expression over the registers of a frame and the memory it may
 * read. With `cfa` not NULL, *cfa is what the stack holds at first. True, and
 * *result the value on top at the end. Async-signal-safe.
 */
bool expression_value(struct cursor expression, const struct frame *frame,
                      const uintptr_t *cfa, uintptr_t *result);

#endif
