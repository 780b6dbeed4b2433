/* SPDX-License-Identifier: MIT */
/*
 * ask.h - writes what is sent to preprof-render (the keys of render.h).
 */
#ifndef PREPROF_ASK_H
#define PREPROF_ASK_H

#include "route.h"
#include "site.h"

/*
 * Makes the plan one of PLAN_RENDER that asks for `kind` of process `pid` (0:
 * of the newest of plan->program, or of none), with `further` lines "key=value\n".
 */
void ask_write(struct plan *plan, const struct site *site, const char *kind,
               pid_t pid, const char *further);

/*
 * Asks for the symbols of `text`, `size` bytes as a client sent them. Bytes
 * that no number has become '?', so that the word they are in stays no number
 * and the line stays a line.
 */
void ask_write_symbols(struct plan *plan, const struct site *site, pid_t pid,
                       const char *text, size_t size);

#endif
