/* SPDX-License-Identifier: MIT */
/*
 * symbol_elf.h - one ELF file, opened carefully.
 *
 * Only regular files are ever opened (looking for a library must not start a
 * tape drive or wait for a pipe), only up to a size, and nothing stays open
 * but the mapping. It must never run, load or write what it opens.
 * Read next: symbol_file.h.
 */
#ifndef PREPROF_SYMBOL_ELF_H
#define PREPROF_SYMBOL_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <gelf.h>

#define SYMBOL_FILE_SIZE_MAX ((int64_t)4 << 30)
#define SYMBOL_BUILD_ID_MAX  64

struct symbol_build_id {
    uint8_t bytes[SYMBOL_BUILD_ID_MAX];
    size_t length; /* 0: none, or longer than can be compared */
};

struct symbol_elf {
    Elf *elf; /* NULL: not open */
    struct symbol_build_id build_id;
    struct stat stat;
    char *directory; /* where it really is, without symbolic links; NULL for
                        what is not a file */
};

/* Only what has an id equals anything. */
bool symbol_build_id_equal(const struct symbol_build_id *a,
                           const struct symbol_build_id *b);

/*
 * Opens the file at `path`: as the process sees it whose root directory is
 * open at `root`, or as we do when root is AT_FDCWD. 0 or -errno: -EINVAL not
 * a regular file, -EFBIG above SYMBOL_FILE_SIZE_MAX, -ENOEXEC not ELF.
 */
int symbol_elf_open(struct symbol_elf *file, int root, const char *path);

/* The vDSO of this process; 0 or -errno. */
int symbol_elf_open_vdso(struct symbol_elf *file);

/* Opened or not. */
void symbol_elf_close(struct symbol_elf *file);

/*
 * The first section with this name, or, when name is NULL, of this type, that
 * has contents in the file. NULL when there is none.
 */
Elf_Scn *symbol_elf_section(Elf *elf, const char *name, uint32_t type,
                            GElf_Shdr *header);

/* Is there DWARF in it? */
bool symbol_elf_has_debug_info(Elf *elf);

#endif
