/* SPDX-License-Identifier: MIT */
/*
 * elf_check.h - what a program's ELF file says about being profiled.
 *
 * Facts only, from headers and symbol tables; what follows from them, and
 * scripts, privileges and words for people, are program_check.h's. It must
 * never run or load what it looks at. Read next: program_check.h.
 */
#ifndef PREPROF_ELF_CHECK_H
#define PREPROF_ELF_CHECK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbol_elf.h"

struct elf_facts {
    uint8_t class; /* ELFCLASS32 or ELFCLASS64 */
    uint16_t machine;
    bool loader;                /* it is ld.so itself */
    char interpreter[PATH_MAX]; /* its loader; "" when statically linked */
    const char *allocator;      /* a function by which it brings a malloc of
                                   its own; NULL none */
    const char *sanitizer;      /* a function of a sanitizer's runtime, or its
                                   library; NULL none */
    bool go;                    /* made by the Go compiler */
    struct symbol_build_id build_id;
};

/* Reads the file at `path`. Returns 0 or -errno, -ENOEXEC when it is not an
 * ELF file. The strings in *facts are static. */
int elf_check(const char *path, struct elf_facts *facts);

#endif
