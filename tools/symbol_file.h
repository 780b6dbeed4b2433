/* SPDX-License-Identifier: MIT */
/*
 * symbol_file.h - which files hold the symbols of a mapped object.
 *
 * A path says where a file was when it was mapped; what is there now may be
 * another. So a file is used when its build id is the mapped one, and found by
 * that id where it is not at its path: still mapped by the process, or as a
 * debug file. Must never ask the network (no debuginfod) and never use a file
 * with another build id. Read next: symbol_elf.h, symbol_debug.h.
 */
#ifndef PREPROF_SYMBOL_FILE_H
#define PREPROF_SYMBOL_FILE_H

#include <stdbool.h>

#include <elfutils/libdw.h>

#include "symbol_elf.h"
#include "symbolize.h"

#define SYMBOL_DEBUG_ROOT "/usr/lib/debug"

struct symbol_file {
    struct symbol_elf main;   /* the mapped object itself, if it was found */
    struct symbol_elf debug;  /* its separate debug file, if there is one */
    struct symbol_elf common; /* what several debug files share (dwz) */
    Dwarf *common_dwarf;
    Dwarf *dwarf; /* of debug, else of main; NULL: neither has any */
    enum symbol_state state;
    char *note; /* for people: what is wrong with the files; NULL nothing */
};

/*
 * Never fails: what was not found is not open, and note says why. debug_root
 * is SYMBOL_DEBUG_ROOT but for tests.
 */
void symbol_file_open(struct symbol_file *file,
                      const struct symbol_module_key *key,
                      const char *debug_root);
void symbol_file_close(struct symbol_file *file);

#endif
