/* SPDX-License-Identifier: MIT */
/*
 * symbol_table.h - from an address to the ELF symbol that covers it.
 *
 * A sorted index over .symtab and .dynsym, with names for PLT entries. An
 * address that no symbol covers has no name: the nearest one below would be
 * wrong in a stripped file. Must not outlive the Elfs it was made from.
 * Read next: symbol_plt.h.
 */
#ifndef PREPROF_SYMBOL_TABLE_H
#define PREPROF_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gelf.h>

#define SYMBOL_TABLE_MAX                                                       \
    ((size_t)1                                                                 \
     << 23) /* symbols; what is beyond is not                        \
                         seen */

struct symbol_table;

/* Of an object and its debug file; either may be NULL. NULL: no memory. */
struct symbol_table *symbol_table_new(Elf *main, Elf *debug);
void symbol_table_free(struct symbol_table *table);

/*
 * The function at a virtual address: its name (`length` bytes, without
 * @VERSION; lives as long as the table) and where it starts.
 */
bool symbol_table_find(const struct symbol_table *table, uint64_t address,
                       const char **name, size_t *length, uint64_t *start);

#endif
