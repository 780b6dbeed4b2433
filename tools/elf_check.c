/* SPDX-License-Identifier: MIT */
/*
 * elf_check.c - what a program's ELF file says about being profiled.
 *
 * The file may be anything: what libelf cannot read is as if it were not
 * there. Read next: symbol_elf.h.
 */
#include "elf_check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Defined in a program, these mean that its calls of malloc, or most of its
 * memory, do not come to us. */
static const char *const allocators[] = {
    "malloc", "_rjem_malloc", "je_malloc", "mi_malloc", "tc_malloc",
};

/* Linked in by clang; gcc's come as libraries. */
static const char *const sanitizers[] = {
    "__asan_init",
    "__tsan_init",
    "__msan_init",
    "__hwasan_init",
};
static const char *const sanitizer_libraries[] = {
    "libasan.so",         "libtsan.so",       "libmsan.so",
    "libhwasan.so",       "libclang_rt.asan", "libclang_rt.tsan",
    "libclang_rt.hwasan",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The entry that `name` equals, or NULL. */
static const char *find_name(const char *const *names, size_t count,
                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return names[i];
    return NULL;
}

static bool is_defined_function(const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);

    return symbol->st_shndx != SHN_UNDEF && /* else it is a PLT entry */
           GELF_ST_BIND(symbol->st_info) != STB_LOCAL &&
           (type == STT_FUNC || type == STT_GNU_IFUNC);
}

static void check_symbols(Elf *elf, uint32_t table_type,
                          struct elf_facts *facts)
{
    GElf_Shdr header;
    Elf_Scn *section = symbol_elf_section(elf, NULL, table_type, &header);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Sym symbol;

    for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
        const char *name;

        if (!is_defined_function(&symbol))
            continue;
        name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (!name)
            continue;
        if (!facts->allocator)
            facts->allocator = find_name(allocators, COUNT(allocators), name);
        if (!facts->sanitizer)
            facts->sanitizer = find_name(sanitizers, COUNT(sanitizers), name);
    }
}

/* The libraries it needs, and whether it is a loader by its own name. */
static void check_dynamic(Elf *elf, struct elf_facts *facts)
{
    GElf_Shdr header;
    Elf_Scn *section = symbol_elf_section(elf, NULL, SHT_DYNAMIC, &header);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Dyn entry;

    for (int i = 0;
         data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
        const char *name;

        if (entry.d_tag != DT_NEEDED && entry.d_tag != DT_SONAME)
            continue;
        name = elf_strptr(elf, header.sh_link, entry.d_un.d_val);
        if (!name)
            continue;
        if (entry.d_tag == DT_SONAME) {
            facts->loader = strncmp(name, "ld-linux", 8) == 0;
            continue;
        }
        for (size_t j = 0; j < COUNT(sanitizer_libraries); j++)
            if (strncmp(name, sanitizer_libraries[j],
                        strlen(sanitizer_libraries[j])) == 0)
                facts->sanitizer = sanitizer_libraries[j];
    }
}

static void find_interpreter(Elf *elf, char interpreter[PATH_MAX])
{
    size_t count = 0;
    GElf_Phdr header;

    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        Elf_Data *data;

        if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_INTERP ||
            header.p_filesz >= PATH_MAX)
            continue;
        data = elf_getdata_rawchunk(elf, (int64_t)header.p_offset,
                                    header.p_filesz, ELF_T_BYTE);
        if (data && data->d_buf)
            memcpy(interpreter, data->d_buf, data->d_size);
    }
}

int elf_check(const char *path, struct elf_facts *facts)
{
    struct symbol_elf file;
    GElf_Ehdr header;
    GElf_Shdr section;
    int err;

    *facts = (struct elf_facts){0};
    elf_version(EV_CURRENT);
    err = symbol_elf_open(&file, AT_FDCWD, path);
    if (err)
        return err;
    if (!gelf_getehdr(file.elf, &header)) {
        symbol_elf_close(&file);
        return -ENOEXEC;
    }
    facts->class = header.e_ident[EI_CLASS];
    facts->machine = header.e_machine;
    facts->build_id = file.build_id;
    find_interpreter(file.elf, facts->interpreter);
    check_dynamic(file.elf, facts);
    check_symbols(file.elf, SHT_DYNSYM, facts);
    check_symbols(file.elf, SHT_SYMTAB, facts);
    facts->go =
        symbol_elf_section(file.elf, ".go.buildinfo", 0, &section) != NULL;
    symbol_elf_close(&file);
    return 0;
}
