/* SPDX-License-Identifier: MIT */
/*
 * symbol_dwarf.h - from an address to functions, inlined ones and lines.
 *
 * Two sorted indexes over the DWARF of one file: ranges to compilation units,
 * made at the first question, and per unit ranges to functions, made when an
 * address first falls into it. Made here because .debug_aranges may be
 * missing (clang) and libdw walks a unit from its start for each address.
 * Must not outlive the Dwarf. Read next: symbolize.c.
 */
#ifndef PREPROF_SYMBOL_DWARF_H
#define PREPROF_SYMBOL_DWARF_H

#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "string_set.h"
#include "symbolize.h"

struct symbol_dwarf;

/*
 * `code` is the ELF file whose program headers say where code is. File names
 * that have to be put together go into `strings`. NULL: no memory.
 */
struct symbol_dwarf *symbol_dwarf_new(Dwarf *dwarf, Elf *code,
                                      struct string_set *strings);
void symbol_dwarf_free(struct symbol_dwarf *dwarf);

/*
 * The frames at a virtual address as symbol_module_frames() gives them, with
 * names as in DWARF: `function` and `system_name` may be NULL and are not
 * demangled, and both live only as long as the Dwarf.
 */
size_t symbol_dwarf_frames(struct symbol_dwarf *dwarf, uint64_t address,
                           struct symbol_frame *frames, size_t frames_max);

#endif
