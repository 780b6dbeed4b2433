/* SPDX-License-Identifier: MIT */
/*
 * segment_modules.h - the mapped objects of a snapshot, for a symbolizer.
 *
 * The snapshot was read with SEGMENT_READ_STACKS. Read next: symbolize.h.
 */
#ifndef PREPROF_SEGMENT_MODULES_H
#define PREPROF_SEGMENT_MODULES_H

#include "segment_read.h"
#include "symbolize.h"

/* The module that has an address; the one that came last, where several had
 * it one after the other. NULL when none. */
const struct segment_module *
segment_module_find(const struct segment_snapshot *snapshot, uint64_t address);

/* Its path, to be freed by the caller; NULL when memory is short. */
char *segment_module_path(const struct segment_snapshot *snapshot,
                          const struct segment_module *module);

/* What symbolizer_module() wants to know of it; points into the module and to
 * `path`. */
struct symbol_module_key
segment_module_key(const struct segment_snapshot *snapshot,
                   const struct segment_module *module, const char *path);

#endif
