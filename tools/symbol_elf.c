/* SPDX-License-Identifier: MIT */
/*
 * symbol_elf.c - one ELF file, opened carefully.
 * Must never open anything but a regular file. Read next: symbol_file.c.
 */
#include "symbol_elf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <linux/openat2.h>

bool symbol_build_id_equal(const struct symbol_build_id *a,
                           const struct symbol_build_id *b)
{
    return a->length != 0 && a->length == b->length &&
           memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Names the file without opening it: a device or FIFO is not touched. */
static int elf_locate(int root, const char *path)
{
    int fd;
    if (root == AT_FDCWD) {
        fd = open(path, O_PATH | O_CLOEXEC);
    } else {
        /* Links in another process's root mean what they mean to it. */
        struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                               .resolve = RESOLVE_IN_ROOT};
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    }
    return fd >= 0 ? fd : -errno;
}

static int elf_open_located(struct symbol_elf *file, int located)
{
    if (fstat(located, &file->stat) != 0)
        return -errno;
    if (!S_ISREG(file->stat.st_mode))
        return -EINVAL;
    if (file->stat.st_size > SYMBOL_FILE_SIZE_MAX)
        return -EFBIG;
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", located);
    char directory[PATH_MAX];
    ssize_t length = readlink(link, directory, sizeof(directory));
    const char *slash =
        length > 0 ? memrchr(directory, '/', (size_t)length) : NULL;
    if (slash != NULL)
        file->directory = strndup(directory, (size_t)(slash - directory));
    int fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    file->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    /* From here on the mapping serves (or, where there is none, a copy). */
    if (file->elf != NULL && elf_cntl(file->elf, ELF_C_FDREAD) != 0) {
        elf_end(file->elf);
        file->elf = NULL;
    }
    close(fd);
    return 0;
}

/* Takes in what libelf opened; -ENOEXEC and closed when it is no ELF file. */
static int elf_accept(struct symbol_elf *file)
{
    if (file->elf == NULL || elf_kind(file->elf) != ELF_K_ELF)
        return -ENOEXEC;
    const void *id;
    ssize_t length = dwelf_elf_gnu_build_id(file->elf, &id);
    if (length > 0 && length <= SYMBOL_BUILD_ID_MAX) {
        memcpy(file->build_id.bytes, id, (size_t)length);
        file->build_id.length = (size_t)length;
    }
    return 0;
}

int symbol_elf_open(struct symbol_elf *file, int root, const char *path)
{
    *file = (struct symbol_elf){0};
    int located = elf_locate(root, path);
    if (located < 0)
        return located;
    int error = elf_open_located(file, located);
    close(located);
    if (error == 0)
        error = elf_accept(file);
    if (error != 0)
        symbol_elf_close(file);
    return error;
}

int symbol_elf_open_vdso(struct symbol_elf *file)
{
    *file = (struct symbol_elf){0};
    /* The kernel's own, so it may be believed about its size. */
    uintptr_t image = getauxval(AT_SYSINFO_EHDR);
    if (image == 0)
        return -ENOENT;
    ElfW(Ehdr) header;
    memcpy(&header, (const void *)image, sizeof(header));
    size_t size = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
    file->elf = elf_memory((char *)image, size);
    int error = elf_accept(file);
    if (error != 0)
        symbol_elf_close(file);
    return error;
}

void symbol_elf_close(struct symbol_elf *file)
{
    elf_end(file->elf);
    free(file->directory);
    *file = (struct symbol_elf){0};
}

Elf_Scn *symbol_elf_section(Elf *elf, const char *name, uint32_t type,
                            GElf_Shdr *header)
{
    size_t names;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return NULL;
    for (Elf_Scn *section = NULL;
         (section = elf_nextscn(elf, section)) != NULL;) {
        if (gelf_getshdr(section, header) == NULL ||
            header->sh_type == SHT_NOBITS)
            continue;
        if (name == NULL) {
            if (header->sh_type == type)
                return section;
            continue;
        }
        const char *found = elf_strptr(elf, names, header->sh_name);
        if (found != NULL && strcmp(found, name) == 0)
            return section;
    }
    return NULL;
}

bool symbol_elf_has_debug_info(Elf *elf)
{
    GElf_Shdr header;
    return symbol_elf_section(elf, ".debug_info", 0, &header) != NULL ||
           symbol_elf_section(elf, ".zdebug_info", 0, &header) != NULL;
}
