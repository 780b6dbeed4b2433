/* SPDX-License-Identifier: MIT */
/*
 * symbol_plt.h - names for the stubs that calls into other objects go through.
 *
 * No symbol stands for an entry of the procedure linkage table, so its jump
 * is followed to the slot it jumps by and that slot's relocation gives the
 * name: "puts@plt". x86-64; elsewhere there are none. Must never outlive the
 * Elf. Read next: symbol_table.h.
 */
#ifndef PREPROF_SYMBOL_PLT_H
#define PREPROF_SYMBOL_PLT_H

#include <stddef.h>
#include <stdint.h>

#include <gelf.h>

#define SYMBOL_PLT_SUFFIX "@plt"

struct symbol_plt_entry {
    uint64_t start;
    uint64_t size;
    char *name;
};

struct symbol_plt {
    struct symbol_plt_entry *entries;
    size_t count;
};

/* As many as memory and the file allow, possibly none. */
void symbol_plt_read(struct symbol_plt *plt, Elf *elf);
void symbol_plt_free(struct symbol_plt *plt);

#endif
