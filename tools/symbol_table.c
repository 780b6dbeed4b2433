/* SPDX-License-Identifier: MIT */
/*
 * symbol_table.c - from an address to the ELF symbol that covers it.
 *
 * Built once per file: collect, sort, keep the best of the names of each
 * address. Must never believe a size or an index the file gives.
 * Read next: symbol_plt.c, symbolize.c.
 */
#include "symbol_table.h"

#include <stdlib.h>
#include <string.h>

#include "symbol_plt.h"

/* Symbols inside of symbols (entry points in hand-written code): how many to
 * look back over for one that covers the address. */
#define SYMBOL_TABLE_NESTED_MAX 16
#define SYMBOL_RANK_UNSIZED     64u

struct symbol {
    uint64_t start;
    uint64_t end;
    const char *name;
    uint32_t rank;  /* among the names of one address, lowest is best */
    uint32_t order; /* as found: makes the sort stable */
};

struct symbol_table {
    struct symbol *symbols; /* by start, one for each */
    size_t count;
    size_t size;
    struct symbol_plt plt;
};

/* Name bytes without a version. A name may begin with '@'. */
static size_t symbol_name_length(const char *name)
{
    const char *version = strchr(name + 1, '@');
    return version != NULL && strcmp(version, SYMBOL_PLT_SUFFIX) != 0
               ? (size_t)(version - name)
               : strlen(name);
}

/*
 * Of several names the one a person would write: with a size, a function,
 * visible outside, with few underscores in front (puts, not _IO_puts).
 */
static uint32_t symbol_rank(const GElf_Sym *symbol, const char *name)
{
    uint32_t rank = (uint32_t)strspn(name, "_") & 15;
    if (GELF_ST_BIND(symbol->st_info) == STB_LOCAL)
        rank += 16;
    if (GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE)
        rank += 32;
    if (symbol->st_size == 0)
        rank += SYMBOL_RANK_UNSIZED;
    return rank;
}

static bool table_add(struct symbol_table *table, struct symbol symbol)
{
    if (table->count == table->size) {
        size_t size = table->size != 0 ? 2 * table->size : 1024;
        struct symbol *symbols =
            size <= SYMBOL_TABLE_MAX
                ? reallocarray(table->symbols, size, sizeof(*symbols))
                : NULL;
        if (symbols == NULL)
            return false;
        table->symbols = symbols;
        table->size = size;
    }
    symbol.order = (uint32_t)table->count;
    table->symbols[table->count++] = symbol;
    return true;
}

/*
 * Where the code named by the symbol ends at the latest: by its size, or with
 * its section. 0 when it is not a name for code.
 */
static uint64_t symbol_end(Elf *elf, const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
        symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0)
        return 0;
    uint64_t start = symbol->st_value;
    if (type != STT_NOTYPE && symbol->st_size != 0)
        return symbol->st_size < UINT64_MAX - start ? start + symbol->st_size
                                                    : UINT64_MAX;
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(elf, symbol->st_shndx);
    if (symbol->st_shndx >= SHN_LORESERVE || section == NULL ||
        gelf_getshdr(section, &header) == NULL ||
        (header.sh_flags & SHF_EXECINSTR) == 0 || start < header.sh_addr ||
        start - header.sh_addr >= header.sh_size)
        return 0;
    return start + (symbol->st_size != 0
                        ? symbol->st_size
                        : header.sh_size - (start - header.sh_addr));
}

/* All symbols of the sections of one type. */
static void table_add_section(struct symbol_table *table, Elf *elf,
                              uint32_t type)
{
    GElf_Shdr header;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != type)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        if (data == NULL || data->d_buf == NULL)
            continue;
        GElf_Sym entry;
        for (int i = 1; gelf_getsym(data, i, &entry) != NULL; i++) {
            const char *name = elf_strptr(elf, header.sh_link, entry.st_name);
            uint64_t end = symbol_end(elf, &entry);
            if (end == 0 || name == NULL || name[0] == '\0' || name[0] == '$')
                continue; /* $x: where instructions begin, on some machines */
            struct symbol symbol = {.start = entry.st_value,
                                    .end = end,
                                    .name = name,
                                    .rank = symbol_rank(&entry, name)};
            if (!table_add(table, symbol))
                return;
        }
    }
}

static int symbol_compare(const void *a, const void *b)
{
    const struct symbol *left = a, *right = b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

/*
 * One symbol for each address. One without a size reaches to the next, and is
 * dropped where another with a size covers it: a label inside a function.
 */
static void table_settle(struct symbol_table *table)
{
    struct symbol *symbols = table->symbols;
    if (table->count == 0)
        return;
    qsort(symbols, table->count, sizeof(*symbols), symbol_compare);
    size_t kept = 0;
    uint64_t covered = 0; /* by symbols with a size so far */
    for (size_t i = 0; i < table->count; i++) {
        const struct symbol *symbol = &symbols[i];
        struct symbol *last = kept > 0 ? &symbols[kept - 1] : NULL;
        bool unsized = symbol->rank >= SYMBOL_RANK_UNSIZED;
        if ((last != NULL && last->start == symbol->start) ||
            (unsized && symbol->start < covered))
            continue;
        if (last != NULL && last->rank >= SYMBOL_RANK_UNSIZED &&
            last->end > symbol->start)
            last->end = symbol->start;
        if (!unsized && symbol->end > covered)
            covered = symbol->end;
        symbols[kept++] = *symbol;
    }
    table->count = kept;
}

struct symbol_table *symbol_table_new(Elf *main, Elf *debug)
{
    struct symbol_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return NULL;
    if (debug != NULL)
        table_add_section(table, debug, SHT_SYMTAB);
    if (main != NULL) {
        table_add_section(table, main, SHT_SYMTAB);
        table_add_section(table, main, SHT_DYNSYM);
        symbol_plt_read(&table->plt, main);
    }
    for (size_t i = 0; i < table->plt.count; i++) {
        const struct symbol_plt_entry *entry = &table->plt.entries[i];
        table_add(table, (struct symbol){.start = entry->start,
                                         .end = entry->start + entry->size,
                                         .name = entry->name});
    }
    table_settle(table);
    return table;
}

void symbol_table_free(struct symbol_table *table)
{
    if (table == NULL)
        return;
    symbol_plt_free(&table->plt);
    free(table->symbols);
    free(table);
}

bool symbol_table_find(const struct symbol_table *table, uint64_t address,
                       const char **name, size_t *length, uint64_t *start)
{
    size_t low = 0, high = table->count; /* the first that starts beyond */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->symbols[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = 0; i < SYMBOL_TABLE_NESTED_MAX && i < low; i++) {
        const struct symbol *symbol = &table->symbols[low - 1 - i];
        if (address >= symbol->end)
            continue;
        *name = symbol->name;
        *length = symbol_name_length(symbol->name);
        *start = symbol->start;
        return true;
    }
    return false;
}
