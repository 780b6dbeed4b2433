/* SPDX-License-Identifier: MIT */
/*
 * symbol_debug.h - the separate debug file of an object.
 *
 * By build id under DEBUG_ROOT/.build-id, by .gnu_debuglink beside the object,
 * and from there on by .gnu_debugaltlink to the file that dwz moved common
 * parts to. Each is checked to be the one that is meant: by build id, or by
 * the link's CRC where there is none. Read next: symbol_file.h.
 */
#ifndef PREPROF_SYMBOL_DEBUG_H
#define PREPROF_SYMBOL_DEBUG_H

#include <stdbool.h>
#include <stddef.h>

#include "symbol_elf.h"

/* Where paths are looked up: in the process's root, then in ours. */
struct symbol_places {
    int roots[2]; /* AT_FDCWD is ours */
    size_t root_count;
    const char *debug_root; /* in each: SYMBOL_DEBUG_ROOT but for tests */
};

/* Opens DEBUG_ROOT/.build-id/xx/yyyy.debug if it has this id. */
bool symbol_debug_open_by_id(struct symbol_elf *debug,
                             const struct symbol_places *places,
                             const struct symbol_build_id *id);

/* Opens what main's .gnu_debuglink names; path is main's as it was mapped. */
bool symbol_debug_open_by_link(struct symbol_elf *debug,
                               const struct symbol_places *places,
                               const struct symbol_elf *main, const char *path);

/* The dwz file of `debug`. False when it names one that is not there. */
bool symbol_debug_open_common(struct symbol_elf *common,
                              const struct symbol_places *places,
                              const struct symbol_elf *debug);

#endif
