/* SPDX-License-Identifier: MIT */
/*
 * doctor_symbols.h - how well one mapped object can be named.
 */
#ifndef PREPROF_DOCTOR_SYMBOLS_H
#define PREPROF_DOCTOR_SYMBOLS_H

#include <stdbool.h>

#include "symbolize.h"

/* Writes a finding about an object: of the main program always, of a library
 * when something is missing. */
void doctor_symbols(struct symbolizer *symbolizer,
                    const struct symbol_module_key *key, bool is_main);

#endif
