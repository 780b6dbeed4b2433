/* SPDX-License-Identifier: MIT */
/*
 * symbol_plt.c - names for the stubs that calls into other objects go through.
 * Must never read code outside the section's bytes.
 * Read next: symbol_table.c.
 */
#include "symbol_plt.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLT_SLOTS_MAX 1000000u

/* A word that the dynamic linker fills with the address of a function. */
struct plt_slot {
    uint64_t address;
    const char *name;
};

struct plt_slots {
    struct plt_slot *slots;
    size_t count;
};

static int slot_compare(const void *a, const void *b)
{
    const struct plt_slot *left = a, *right = b;
    return left->address < right->address ? -1 : left->address > right->address;
}

/* The slots that one relocation section fills. */
static void slots_add(struct plt_slots *slots, Elf *elf, Elf_Scn *section,
                      const GElf_Shdr *header)
{
    GElf_Shdr symbols_header;
    Elf_Scn *symbols_section = elf_getscn(elf, header->sh_link);
    Elf_Data *data = elf_getdata(section, NULL);
    if (data == NULL || symbols_section == NULL ||
        gelf_getshdr(symbols_section, &symbols_header) == NULL ||
        symbols_header.sh_type != SHT_DYNSYM || header->sh_entsize == 0)
        return;
    Elf_Data *symbols = elf_getdata(symbols_section, NULL);
    size_t count = header->sh_size / header->sh_entsize;
    if (count > PLT_SLOTS_MAX - slots->count)
        return;
    struct plt_slot *grown =
        reallocarray(slots->slots, slots->count + count + 1, sizeof(*grown));
    if (grown == NULL)
        return;
    slots->slots = grown;
    GElf_Rela relocation;
    for (size_t i = 0;
         i < count && gelf_getrela(data, (int)i, &relocation) != NULL; i++) {
        uint64_t type = GELF_R_TYPE(relocation.r_info);
        GElf_Sym symbol;
        if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
            gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol) ==
                NULL)
            continue;
        const char *name =
            elf_strptr(elf, symbols_header.sh_link, symbol.st_name);
        if (name != NULL && name[0] != '\0')
            slots->slots[slots->count++] =
                (struct plt_slot){relocation.r_offset, name};
    }
}

/*
 * The address of the slot by which the entry jumps; 0 when it is none:
 *   [endbr64] [bnd] jmp *displacement(%rip)
 */
static uint64_t entry_slot(const uint8_t *code, size_t size, uint64_t address)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    size_t at = 0;
    if (size >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
        at += sizeof(endbr64);
    if (at < size && code[at] == 0xf2)
        at++;
    if (size - at < 6 || code[at] != 0xff || code[at + 1] != 0x25)
        return 0;
    int32_t displacement;
    memcpy(&displacement, code + at + 2, sizeof(displacement));
    return address + at + 6 + (uint64_t)(int64_t)displacement;
}

/* The entries of one section. */
static void plt_add(struct symbol_plt *plt, const struct plt_slots *slots,
                    Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_rawdata(section, NULL);
    size_t size = header->sh_entsize == 8 ? 8 : 16;
    if (data == NULL || data->d_buf == NULL)
        return;
    size_t count = data->d_size / size;
    struct symbol_plt_entry *grown =
        count <= PLT_SLOTS_MAX
            ? reallocarray(plt->entries, plt->count + count + 1, sizeof(*grown))
            : NULL;
    if (grown == NULL)
        return;
    plt->entries = grown;
    for (size_t i = 0; i < count; i++) {
        uint64_t start = header->sh_addr + i * size;
        struct plt_slot key = {
            .address = entry_slot((const uint8_t *)data->d_buf + i * size, size,
                                  start)};
        const struct plt_slot *slot =
            key.address == 0 || slots->count == 0
                ? NULL
                : bsearch(&key, slots->slots, slots->count, sizeof(key),
                          slot_compare);
        char *name;
        if (slot != NULL &&
            asprintf(&name, "%s" SYMBOL_PLT_SUFFIX, slot->name) >= 0)
            plt->entries[plt->count++] = (struct symbol_plt_entry){
                .start = start, .size = size, .name = name};
    }
}

void symbol_plt_read(struct symbol_plt *plt, Elf *elf)
{
    *plt = (struct symbol_plt){0};
    GElf_Ehdr ehdr;
    size_t names;
    if (gelf_getehdr(elf, &ehdr) == NULL || ehdr.e_machine != EM_X86_64 ||
        elf_getshdrstrndx(elf, &names) != 0)
        return;
    struct plt_slots slots = {0};
    GElf_Shdr header;
    for (Elf_Scn *section = NULL;
         (section = elf_nextscn(elf, section)) != NULL;)
        if (gelf_getshdr(section, &header) != NULL &&
            header.sh_type == SHT_RELA)
            slots_add(&slots, elf, section, &header);
    if (slots.count != 0)
        qsort(slots.slots, slots.count, sizeof(*slots.slots), slot_compare);
    for (Elf_Scn *section = NULL;
         (section = elf_nextscn(elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) == NULL ||
            header.sh_type != SHT_PROGBITS)
            continue;
        const char *name = elf_strptr(elf, names, header.sh_name);
        if (name != NULL && strncmp(name, ".plt", 4) == 0)
            plt_add(plt, &slots, section, &header);
    }
    free(slots.slots);
}

void symbol_plt_free(struct symbol_plt *plt)
{
    for (size_t i = 0; i < plt->count; i++)
        free(plt->entries[i].name);
    free(plt->entries);
    *plt = (struct symbol_plt){0};
}
