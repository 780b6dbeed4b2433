/* SPDX-License-Identifier: MIT */
/*
 * walk_escape.h - a walk through frames that rsp and rbp alone cannot undo:
 * realigned stacks, signal frames, the lazy binder, assembly.
 *
 * By libgcc's unwinder, from here outwards until it meets the start: exact,
 * but 120-250 ns a frame. libgcc is linked statically and hidden, so that no
 * exception of the program ever meets this copy. Read next: walk.h.
 */
#ifndef PREPROF_WALK_ESCAPE_H
#define PREPROF_WALK_ESCAPE_H

#include "walk.h"

/* As walk_capture(). */
size_t walk_escape(const struct walk_start *start, uintptr_t *pcs,
                   size_t frames_max, unsigned *flags);

#endif
