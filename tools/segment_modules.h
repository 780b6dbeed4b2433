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

/* How a module's code is shown to readers, who tell locations apart by address
 * alone. */
struct segment_module_view {
    uint32_t first; /* index of the first module that was the same file at the
                       same place: code that was unloaded and loaded again */
    uint64_t shift; /* to add to its addresses: 0, or above SEGMENT_ADDRESS_MAX
                       where another module had some of them before */
};

/* Of every module; the same in every snapshot of a process, whatever came
 * since. To be freed by the caller; NULL when memory is short. */
struct segment_module_view *
segment_module_views(const struct segment_snapshot *snapshot);

#endif
