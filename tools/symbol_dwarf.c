/* SPDX-License-Identifier: MIT */
/*
 * symbol_dwarf.c - from an address to functions, inlined ones and lines.
 *
 *   address -> unit      ranges of all units, sorted
 *           -> function  ranges of the unit's functions, sorted
 *           -> inlined   the chain of DIEs inside it that contain the address
 *
 * Must never recurse or loop for as long as a file likes. The chain and its
 * call sites are those of `eu-addr2line -i`, which tests/cli/symbols.t checks.
 * Read next: symbolize.c.
 */
#include "symbol_dwarf.h"

#include <dwarf.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "symbol_ranges.h"

#define DWARF_SEGMENTS_MAX 16  /* executable ones of a file */
#define DWARF_NESTING_MAX  128 /* namespaces, types and functions */

/* How far the functions of a unit have been looked for. */
enum unit_depth {
    UNIT_UNREAD,
    UNIT_OUTER, /* those that stand by themselves or in a namespace */
    UNIT_ALL,   /* also those inside of types and of other functions */
};

struct dwarf_unit {
    Dwarf_Die die;  /* of the unit, which has the line table */
    Dwarf_Die body; /* has the functions: die, or of the .dwo file */
    enum unit_depth depth;
    struct symbol_ranges functions; /* owner: offset of the DIE */
};

struct symbol_dwarf {
    Dwarf *dwarf;
    struct string_set *strings;
    bool read; /* the units have been */
    struct dwarf_unit *units;
    size_t unit_count;
    struct symbol_ranges ranges; /* owner: index of a unit */
    struct symbol_range code[DWARF_SEGMENTS_MAX];
    size_t code_count;
};

/* Functions that the linker discarded keep their DWARF, with addresses such
 * as 0 where there is no code. */
static bool dwarf_is_code(const struct symbol_dwarf *dwarf, uint64_t start)
{
    for (size_t i = 0; i < dwarf->code_count; i++)
        if (start >= dwarf->code[i].start && start < dwarf->code[i].end)
            return start != 0;
    return false;
}

/* Adds all ranges of one DIE. */
static bool dwarf_add_ranges(struct symbol_ranges *set,
                             const struct symbol_dwarf *dwarf, Dwarf_Die *die,
                             uint64_t owner)
{
    Dwarf_Addr base, start, end;
    ptrdiff_t offset = 0;
    while ((offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0)
        if (start < end && dwarf_is_code(dwarf, start) &&
            !symbol_ranges_add(set, (struct symbol_range){start, end, owner}))
            return false;
    return true;
}

/* ---- units and their functions --------------------------------------- */

struct symbol_dwarf *symbol_dwarf_new(Dwarf *dwarf, Elf *code,
                                      struct string_set *strings)
{
    struct symbol_dwarf *new = calloc(1, sizeof(*new));
    if (new == NULL)
        return NULL;
    new->dwarf = dwarf;
    new->strings = strings;
    GElf_Phdr header;
    for (int i = 0; gelf_getphdr(code, i, &header) != NULL &&
                    new->code_count < DWARF_SEGMENTS_MAX;
         i++)
        if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
            new->code[new->code_count++] =
                (struct symbol_range){.start = header.p_vaddr,
                                      .end = header.p_vaddr + header.p_memsz};
    return new;
}

void symbol_dwarf_free(struct symbol_dwarf *dwarf)
{
    if (dwarf == NULL)
        return;
    for (size_t i = 0; i < dwarf->unit_count; i++)
        symbol_ranges_free(&dwarf->units[i].functions);
    free(dwarf->units);
    symbol_ranges_free(&dwarf->ranges);
    free(dwarf);
}

/* Fills the index of units, as far as the file is sound. */
static void dwarf_read_units(struct symbol_dwarf *dwarf)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die;
    size_t size = 0;
    dwarf->read = true;
    while (dwarf_get_units(dwarf->dwarf, unit, &unit, &version, &type, &die,
                           NULL) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        if (dwarf->unit_count == size) {
            size = size != 0 ? 2 * size : 64;
            struct dwarf_unit *units =
                reallocarray(dwarf->units, size, sizeof(*units));
            if (units == NULL)
                break;
            dwarf->units = units;
        }
        size_t before = dwarf->ranges.count;
        if (!dwarf_add_ranges(&dwarf->ranges, dwarf, &die, dwarf->unit_count))
            break;
        if (dwarf->ranges.count != before)
            dwarf->units[dwarf->unit_count++] =
                (struct dwarf_unit){.die = die, .body = die};
    }
    symbol_ranges_settle(&dwarf->ranges);
}

/*
 * With -gsplit-dwarf the functions of a unit are in a file of their own, which
 * libdw opens at its path whatever it is: so look first.
 */
static void unit_find_body(struct dwarf_unit *unit)
{
    Dwarf_Attribute attribute;
    Dwarf_Die *die = &unit->die;
    const char *name =
        dwarf_formstring(dwarf_attr(die, DW_AT_dwo_name, &attribute));
    if (name == NULL)
        name =
            dwarf_formstring(dwarf_attr(die, DW_AT_GNU_dwo_name, &attribute));
    const char *directory =
        dwarf_formstring(dwarf_attr(die, DW_AT_comp_dir, &attribute));
    if (name == NULL)
        return;
    char path[PATH_MAX];
    bool whole = name[0] == '/' || directory == NULL;
    int length = snprintf(path, sizeof(path), "%s%s%s", whole ? "" : directory,
                          whole ? "" : "/", name);
    struct stat status;
    Dwarf_Die body;
    if (length < (int)sizeof(path) && stat(path, &status) == 0 &&
        S_ISREG(status.st_mode) &&
        dwarf_cu_info(die->cu, NULL, NULL, NULL, &body, NULL, NULL, NULL) ==
            0 &&
        body.cu != NULL)
        unit->body = body;
}

/* Adds the functions below `parent`. False when there is no room. */
static bool unit_add_functions(struct dwarf_unit *unit,
                               const struct symbol_dwarf *dwarf,
                               Dwarf_Die *parent, size_t nesting)
{
    Dwarf_Die die;
    if (nesting == DWARF_NESTING_MAX || dwarf_child(parent, &die) != 0)
        return true;
    do {
        bool within = unit->depth == UNIT_ALL;
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            if (!dwarf_add_ranges(&unit->functions, dwarf, &die,
                                  dwarf_dieoffset(&die)))
                return false;
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
            within = true;
            break;
        default:
            break;
        }
        if (within && !unit_add_functions(unit, dwarf, &die, nesting + 1))
            return false;
    } while (dwarf_siblingof(&die, &die) == 0);
    return true;
}

static void unit_read(struct dwarf_unit *unit, const struct symbol_dwarf *dwarf,
                      enum unit_depth depth)
{
    if (unit->depth == UNIT_UNREAD)
        unit_find_body(unit);
    unit->depth = depth;
    unit->functions.count = 0;
    unit_add_functions(unit, dwarf, &unit->body, 0);
    symbol_ranges_settle(&unit->functions);
}

/*
 * The function at the address, and where its range starts. Functions inside
 * of others (GNU C, Fortran, OpenMP) or of types (Rust) cost reading the whole
 * unit, so they are only looked for when an address is in no other.
 */
static bool unit_find_function(struct dwarf_unit *unit,
                               const struct symbol_dwarf *dwarf,
                               uint64_t address, Dwarf_Die *function,
                               uint64_t *start)
{
    const struct symbol_range *range = NULL;
    if (unit->depth == UNIT_UNREAD)
        unit_read(unit, dwarf, UNIT_OUTER);
    range = symbol_ranges_find(&unit->functions, address);
    if (range == NULL && unit->depth == UNIT_OUTER) {
        unit_read(unit, dwarf, UNIT_ALL);
        range = symbol_ranges_find(&unit->functions, address);
    }
    if (range == NULL || dwarf_offdie(dwarf_cu_getdwarf(unit->body.cu),
                                      range->owner, function) == NULL)
        return false;
    *start = range->start;
    return true;
}

/* ---- frames ------------------------------------------------------------ */

/* The block or inlined function directly below `parent` at the address. */
static bool die_descend(Dwarf_Die *parent, uint64_t address, Dwarf_Die *child)
{
    if (dwarf_child(parent, child) != 0)
        return false;
    do {
        switch (dwarf_tag(child)) {
        case DW_TAG_inlined_subroutine:
        case DW_TAG_lexical_block:
        case DW_TAG_try_block:
        case DW_TAG_catch_block:
        case DW_TAG_with_stmt:
            if (dwarf_haspc(child, address) > 0)
                return true;
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(child, child) == 0);
    return false;
}

/* The function and what is inlined in it at the address, outermost first. */
static size_t die_chain(const Dwarf_Die *function, uint64_t address,
                        Dwarf_Die chain[SYMBOL_FRAMES_MAX])
{
    size_t depth = 1;
    Dwarf_Die child, parent = *function;
    chain[0] = *function;
    while (depth < SYMBOL_FRAMES_MAX && die_descend(&parent, address, &child)) {
        if (dwarf_tag(&child) == DW_TAG_inlined_subroutine)
            chain[depth++] = child;
        parent = child;
    }
    return depth;
}

/* A file name is relative to where the compiler ran. */
static const char *dwarf_file(struct symbol_dwarf *dwarf, Dwarf_Die *unit,
                              const char *name)
{
    Dwarf_Attribute attribute;
    if (name == NULL || name[0] == '/')
        return name;
    const char *directory =
        dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    char *path;
    if (directory == NULL || asprintf(&path, "%s/%s", directory, name) < 0)
        return name;
    const char *kept = string_set_add(dwarf->strings, path, strlen(path));
    free(path);
    return kept;
}

/* Where the inlined function was called. */
static void frame_set_call(struct symbol_frame *frame,
                           struct symbol_dwarf *dwarf, struct dwarf_unit *unit,
                           Dwarf_Die *inlined)
{
    Dwarf_Attribute attribute;
    Dwarf_Word file, line;
    Dwarf_Files *files;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute),
                        &file) == 0 &&
        dwarf_getsrcfiles(&unit->body, &files, NULL) == 0)
        frame->file = dwarf_file(dwarf, &unit->die,
                                 dwarf_filesrc(files, file, NULL, NULL));
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute),
                        &line) == 0)
        frame->line = (uint32_t)line;
}

/* Where the instruction at the address comes from. */
static void frame_set_line(struct symbol_frame *frame,
                           struct symbol_dwarf *dwarf, struct dwarf_unit *unit,
                           uint64_t address)
{
    Dwarf_Line *line = dwarf_getsrc_die(&unit->die, address);
    int number;
    if (line == NULL)
        return;
    frame->file =
        dwarf_file(dwarf, &unit->die, dwarf_linesrc(line, NULL, NULL));
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        frame->line = (uint32_t)number;
}

static void frame_set_function(struct symbol_frame *frame, Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    int line;
    frame->function = dwarf_diename(die);
    frame->system_name = dwarf_formstring(
        dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
    if (frame->system_name == NULL)
        frame->system_name = dwarf_formstring(
            dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute));
    if (dwarf_decl_line(die, &line) == 0 && line > 0)
        frame->start_line = (uint32_t)line;
}

size_t symbol_dwarf_frames(struct symbol_dwarf *dwarf, uint64_t address,
                           struct symbol_frame *frames, size_t frames_max)
{
    if (!dwarf->read)
        dwarf_read_units(dwarf);
    const struct symbol_range *range =
        symbol_ranges_find(&dwarf->ranges, address);
    if (range == NULL || frames_max == 0)
        return 0;
    struct dwarf_unit *unit = &dwarf->units[range->owner];
    Dwarf_Die function, chain[SYMBOL_FRAMES_MAX];
    uint64_t start;
    if (!unit_find_function(unit, dwarf, address, &function, &start)) {
        frames[0] = (struct symbol_frame){0};
        frame_set_line(&frames[0], dwarf, unit, address);
        return 1;
    }
    size_t depth = die_chain(&function, address, chain);
    size_t count = depth < frames_max ? depth : frames_max;
    for (size_t i = 0; i < count; i++) {
        Dwarf_Die *die = &chain[depth - 1 - i];
        frames[i] = (struct symbol_frame){0};
        frame_set_function(&frames[i], die);
        if (i == 0)
            frame_set_line(&frames[i], dwarf, unit, address);
        else
            frame_set_call(&frames[i], dwarf, unit, die + 1);
    }
    if (count == depth)
        frames[count - 1].offset = address - start;
    return count;
}
