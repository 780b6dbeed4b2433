/* SPDX-License-Identifier: MIT */
/*
 * rows.c - shim/cfi.c against elfutils: every row of every FDE of ELF files.
 *
 *   rows [-n FDES] FILE...
 *
 * Each file is mapped as the loader would, without running anything of it, and
 * for the first and last address of each row all registers, the CFA and the
 * packed rule are compared with what libdw says. -n looks at so many FDEs of a
 * file only, evenly spread. Prints one line a file, and one "escape FILE FDE
 * END ROW ROW_END WHY" for each row that has no rule and may have a call in it
 * (rows.py finds out). Exit status 1 when anything differs.
 */
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cfi.h"

#define PAGE       UINT64_C(4096)
#define COMPLAINTS 20 /* printed of a file */

static struct object {
    const char *path;
    Elf *elf;
    Dwarf_CFI *cfi;
    char *image; /* where address 0 of the file would be */
    uint64_t size;
    uint64_t header; /* address of .eh_frame_hdr, 0 none */
    uint64_t tables, tables_offset, tables_size; /* .eh_frame */
    unsigned long fdes, rows, escapes, wrong;
} object;

/* In the place of libc's, for shim/fde.c; nothing here throws. */
int _dl_find_object(void *address, struct dl_find_object *found)
{
    if ((uint64_t)((char *)address - object.image) >= object.size)
        return -1;
    *found = (struct dl_find_object){
        .dlfo_map_start = object.image,
        .dlfo_map_end = object.image + object.size,
        .dlfo_eh_frame = object.header ? object.image + object.header : NULL,
    };
    return 0;
}

static uintptr_t runtime(uint64_t address)
{
    return (uintptr_t)object.image + address;
}

static void complain(uint64_t address, const char *what)
{
    if (object.wrong++ < COMPLAINTS)
        printf("# %s: 0x%" PRIx64 ": %s\n", object.path, address, what);
}

/* ---- what libdw says --------------------------------------------------- */

/* An expression as libdw decoded it against the bytes that we found: as many
 * operations, and each the same one. */
static bool same_expression(const struct fde *fde, int64_t value,
                            const Dwarf_Op *ops, size_t count)
{
    struct cursor c = cfi_expression(fde, value);

    for (size_t i = 0; i < count; i++) {
        uint64_t atom = cursor_bytes(&c, 1);

        if (atom != ops[i].atom)
            return false;
        if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
            if (cursor_sleb(&c) != (int64_t)ops[i].number)
                return false;
        } else if (atom == DW_OP_plus_uconst) {
            if (cursor_uleb(&c) != ops[i].number)
                return false;
        }
    }
    return !c.bad && c.next == c.end;
}

/* "call_frame_cfa, plus_uconst n" */
static bool is_cfa_relative(const Dwarf_Op *ops, size_t count, int64_t *offset)
{
    if (count == 0 || ops[0].atom != DW_OP_call_frame_cfa)
        return false;
    *offset = count > 1 ? (int64_t)ops[1].number : 0;
    return count == 1 || (count == 2 && ops[1].atom == DW_OP_plus_uconst);
}

static bool same_register(const struct fde *fde, int32_t ours,
                          const Dwarf_Op *memory, const Dwarf_Op *ops,
                          size_t count)
{
    int64_t offset, value = CFI_VALUE(ours);
    bool is_value = count > 1 && ops[count - 1].atom == DW_OP_stack_value;

    if (count == 0) /* nothing said means undefined to libdw */
        return CFI_HOW(ours) == CFI_SAME ||
               (CFI_HOW(ours) == CFI_UNDEFINED && ops == memory);
    switch (CFI_HOW(ours)) {
    case CFI_SAVED_AT:
        return !is_value && is_cfa_relative(ops, count, &offset) &&
               offset == value;
    case CFI_IS:
        return is_value && is_cfa_relative(ops, count - 1, &offset) &&
               offset == value;
    case CFI_IN_REGISTER:
        return count == 1 &&
               (ops[0].atom == DW_OP_regx ? (int64_t)ops[0].number == value
                                          : ops[0].atom - DW_OP_reg0 == value);
    case CFI_EXPRESSION:
    case CFI_IS_EXPRESSION:
        if (is_value != (CFI_HOW(ours) == CFI_IS_EXPRESSION))
            return false;
        count -= is_value;
        if (ops[0].atom == DW_OP_call_frame_cfa)
            ops++, count--;
        return same_expression(fde, value, ops, count);
    default:
        return false;
    }
}

static bool same_cfa(const struct fde *fde, const struct cfi_row *row,
                     const Dwarf_Op *ops, size_t count)
{
    if (row->cfa_register == CFI_CFA_EXPRESSION)
        return same_expression(fde, row->cfa_offset, ops, count);
    return count == 1 && ops[0].atom == DW_OP_bregx &&
           ops[0].number == row->cfa_register &&
           (int64_t)ops[0].number2 == row->cfa_offset;
}

/* The rule that a person would pick from libdw's words, or CFI_ESCAPE. */
static uint32_t expected_rule(Dwarf_Frame *frame, const Dwarf_Op *cfa,
                              size_t cfa_count, bool signal)
{
    Dwarf_Op memory[3], *ops;
    size_t count;
    int64_t offset = 0, slot = 0;
    bool at_bp = false;

    if (signal || dwarf_frame_register(frame, ARCH_RA, memory, &ops, &count))
        return CFI_ESCAPE;
    if (count == 0 && ops == memory)
        return CFI_END;
    if (!is_cfa_relative(ops, count, &offset) || offset != -8 ||
        dwarf_frame_register(frame, ARCH_BP, memory, &ops, &count))
        return CFI_ESCAPE;
    if (count != 0 && is_cfa_relative(ops, count, &offset))
        slot = -offset;
    else
        at_bp = count != 0;
    if (at_bp && (ops[count - 1].atom != DW_OP_breg6 ||
                  ops[count - 1].number != 0 || count > 2))
        return CFI_ESCAPE;
    if (cfa_count == 2 && cfa[0].atom == DW_OP_breg6 &&
        cfa[1].atom == DW_OP_deref && at_bp && (int64_t)cfa[0].number < 0)
        return CFI_RULE(CFI_REALIGNED, 0, -(int64_t)cfa[0].number);
    offset = (int64_t)cfa[0].number2;
    if (cfa_count != 1 || cfa[0].atom != DW_OP_bregx || at_bp || slot < 0 ||
        slot % 8 || slot >= 2048 * 8 || offset < 8 || offset % 8 ||
        offset >= 1 << 21)
        return CFI_ESCAPE;
    if (cfa[0].number == 7)
        return CFI_RULE(CFI_SP, offset, slot);
    if (cfa[0].number == 6)
        return CFI_RULE(CFI_BP, offset, slot);
    return CFI_ESCAPE;
}

/* ---- comparing --------------------------------------------------------- */

static const char *why_no_rule(const struct fde *fde, const struct cfi_row *row)
{
    if (fde->signal)
        return "signal-frame";
    if (row->cfa_register == CFI_CFA_EXPRESSION)
        return "CFA-expression";
    if (row->cfa_register != ARCH_SP && row->cfa_register != ARCH_BP)
        return "CFA-in-another-register";
    if (CFI_HOW(row->registers[ARCH_RA]) != CFI_SAVED_AT)
        return "return-address-not-on-the-stack";
    return "out-of-a-rule's-range";
}

/* libdw knows that a caller's sp is the CFA where nothing is said of it. */
static int32_t said_of(const struct cfi_row *row, unsigned i)
{
    int32_t said = row->registers[i];

    return i == ARCH_SP && CFI_HOW(said) == CFI_SAME ? CFI_IS : said;
}

static void compare_at(uint64_t address, Dwarf_Frame *frame, bool signal)
{
    Dwarf_Op memory[3], *ops, *cfa;
    size_t count, cfa_count;
    struct cfi_row row;
    struct fde fde;

    if (fde_find(runtime(address), &fde) != FDE_FOUND ||
        !cfi_row(&fde, runtime(address), &row)) {
        complain(address, "no row");
        return;
    }
    if (fde.signal != signal)
        complain(address, "signal frame or not");
    if (dwarf_frame_cfa(frame, &cfa, &cfa_count) != 0 ||
        !same_cfa(&fde, &row, cfa, cfa_count))
        complain(address, "CFA");
    for (unsigned i = 0; i < ARCH_REGISTERS; i++)
        if (dwarf_frame_register(frame, (int)i, memory, &ops, &count) != 0 ||
            !same_register(&fde, said_of(&row, i), memory, ops, count))
            complain(address, "a register");
    if (cfi_rule(runtime(address) + 1) !=
        expected_rule(frame, cfa, cfa_count, signal))
        complain(address, "rule");
}

/* Whether there is a byte that a call begins with. */
static bool may_call(uint64_t start, uint64_t end)
{
    const char *code = object.image + start;

    return memchr(code, 0xe8, end - start) || memchr(code, 0xff, end - start);
}

/* A row without a rule. */
static void report_escape(uint64_t fde_start, uint64_t fde_end, uint64_t start,
                          uint64_t end)
{
    const char *why = "tables-make-no-sense";
    struct cfi_row row;
    struct fde fde;

    object.escapes++;
    if (!may_call(start, end))
        return;
    if (fde_find(runtime(start), &fde) == FDE_FOUND &&
        cfi_row(&fde, runtime(start), &row))
        why = why_no_rule(&fde, &row);
    printf("escape %s 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64
           " %s\n",
           object.path, fde_start, fde_end, start, end, why);
}

static void compare_fde(uint64_t start, uint64_t end)
{
    uint64_t address = start;

    object.fdes++;
    while (address < end) {
        Dwarf_Frame *frame;
        Dwarf_Addr row_start, row_end;
        bool signal;

        if (dwarf_cfi_addrframe(object.cfi, address, &frame) != 0) {
            complain(address, dwarf_errmsg(-1));
            return;
        }
        dwarf_frame_info(frame, &row_start, &row_end, &signal);
        if (row_end <= address || row_end > end)
            row_end = end;
        compare_at(address, frame, signal);
        if (row_end - 1 != address)
            compare_at(row_end - 1, frame, signal);
        object.rows++;
        if (CFI_KIND(cfi_rule(runtime(address) + 1)) == CFI_ESCAPE)
            report_escape(start, end, address, row_end);
        free(frame);
        address = row_end;
    }
}

/* The code that an FDE is about: pcrel | sdata4, which all are (the census in
 * unwinding.md 6), so the address of the field counts. */
static bool read_range(const Dwarf_FDE *fde, const unsigned char *tables,
                       uint64_t *start, uint64_t *end)
{
    int32_t relative;
    uint32_t size;

    if (fde->end - fde->start < 8)
        return false;
    memcpy(&relative, fde->start, 4);
    memcpy(&size, fde->start + 4, 4);
    *start = object.tables + (uint64_t)(fde->start - tables) +
             (uint64_t)(int64_t)relative;
    *end = *start + size;
    return size > 0;
}

static unsigned long count_fdes(const unsigned char *ident, Elf_Data *data)
{
    Dwarf_Off offset = 0, next;
    Dwarf_CFI_Entry entry;
    unsigned long count = 0;

    for (; dwarf_next_cfi(ident, data, true, offset, &next, &entry) == 0;
         offset = next)
        count += !dwarf_cfi_cie_p(&entry);
    return count;
}

static void compare_tables(Elf_Scn *section, unsigned long fdes_max)
{
    const unsigned char *ident =
        (const unsigned char *)elf_getident(object.elf, NULL);
    Elf_Data *data = elf_getdata(section, NULL);
    unsigned long count = count_fdes(ident, data), seen = 0;
    unsigned long every = fdes_max && count > fdes_max ? count / fdes_max : 1;
    Dwarf_Off offset = 0, next;
    Dwarf_CFI_Entry entry;

    for (; dwarf_next_cfi(ident, data, true, offset, &next, &entry) == 0;
         offset = next) {
        uint64_t start, end;

        if (dwarf_cfi_cie_p(&entry) || seen++ % every != 0)
            continue;
        if (read_range(&entry.fde, data->d_buf, &start, &end))
            compare_fde(start, end);
    }
    if (count == 0)
        complain(0, "no FDE");
}

/* ---- files ------------------------------------------------------------- */

static Elf_Scn *find_tables(void)
{
    size_t names;
    Elf_Scn *section = NULL;
    GElf_Shdr header;

    if (elf_getshdrstrndx(object.elf, &names) != 0)
        return NULL;
    while ((section = elf_nextscn(object.elf, section)) != NULL) {
        const char *name;

        gelf_getshdr(section, &header);
        name = elf_strptr(object.elf, names, header.sh_name);
        if (name && strcmp(name, ".eh_frame") == 0 &&
            header.sh_type != SHT_NOBITS) {
            object.tables = header.sh_addr;
            return section;
        }
    }
    return NULL;
}

/* Maps the load segments where they belong relative to each other. */
static bool map_file(int fd)
{
    size_t count;
    GElf_Phdr segment;

    if (elf_getphdrnum(object.elf, &count) != 0)
        return false;
    object.size = object.header = 0;
    for (size_t i = 0; i < count; i++) {
        gelf_getphdr(object.elf, (int)i, &segment);
        if (segment.p_type == PT_LOAD &&
            segment.p_vaddr + segment.p_memsz > object.size)
            object.size = segment.p_vaddr + segment.p_memsz;
        if (segment.p_type == PT_GNU_EH_FRAME)
            object.header = segment.p_vaddr;
    }
    object.image = mmap(NULL, object.size, PROT_READ,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (object.image == MAP_FAILED)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t within;

        gelf_getphdr(object.elf, (int)i, &segment);
        within = segment.p_vaddr % PAGE;
        if (segment.p_type == PT_LOAD && segment.p_filesz > 0 &&
            mmap(object.image + segment.p_vaddr - within,
                 segment.p_filesz + within, PROT_READ, MAP_PRIVATE | MAP_FIXED,
                 fd, (off_t)(segment.p_offset - within)) == MAP_FAILED)
            return false;
    }
    return true;
}

static void compare_file(const char *path, unsigned long fdes_max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf_Scn *section;
    GElf_Ehdr header;

    object = (struct object){.path = path};
    if (fd < 0) {
        complain(0, "cannot be opened");
        return;
    }
    object.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (!object.elf || !gelf_getehdr(object.elf, &header) ||
        header.e_machine != EM_X86_64 || !map_file(fd)) {
        printf("# %s: no x86-64 ELF file\n", path);
    } else {
        section = find_tables();
        object.cfi = dwarf_getcfi_elf(object.elf);
        if (section && object.header && object.cfi)
            compare_tables(section, fdes_max);
        else
            printf("# %s: no .eh_frame that a running program can find\n",
                   path);
        munmap(object.image, object.size);
    }
    elf_end(object.elf);
    close(fd);
    printf("%s: %lu FDEs, %lu rows, %lu escapes, %lu differences\n", path,
           object.fdes, object.rows, object.escapes, object.wrong);
}

int main(int argc, char **argv)
{
    unsigned long fdes_max = 0, wrong = 0;
    int option;

    while ((option = getopt(argc, argv, "n:")) != -1) {
        if (option != 'n')
            return 2;
        fdes_max = strtoul(optarg, NULL, 10);
    }
    elf_version(EV_CURRENT);
    for (int i = optind; i < argc; i++) {
        compare_file(argv[i], fdes_max);
        wrong += object.wrong;
    }
    return wrong != 0;
}
