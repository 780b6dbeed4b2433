/* SPDX-License-Identifier: MIT */
/* thread_modules.c - see thread_modules.h. */
#include "thread_modules.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_MASK UINT64_C(4095)
#define NOTES_MAX 4096 /* bytes of one PT_NOTE looked at */
#define DELETED   " (deleted)"

int thread_mapping_parse(const char *line, struct thread_mapping *mapping)
{
    char flags[5];
    int path = 0;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n",
               &mapping->start, &mapping->end, flags, &mapping->offset,
               &path) != 4 ||
        path == 0 || mapping->start >= mapping->end || strlen(flags) != 4)
        return -EINVAL;
    mapping->writable = flags[1] == 'w';
    mapping->executable = flags[2] == 'x';
    mapping->path = line + path;
    return 0;
}

/* ---- one ELF image in memory ------------------------------------------- */

static void read_build_id(struct thread_memory *memory, uint64_t address,
                          uint64_t size, struct thread_module *module)
{
    uint8_t notes[NOTES_MAX];
    size_t end = size < sizeof(notes) ? (size_t)size : sizeof(notes);
    size_t at = 0;
    Elf64_Nhdr note;

    if (!thread_memory_read(memory, address, notes, end))
        return;
    while (end - at >= sizeof(note)) {
        size_t name, data;

        memcpy(&note, notes + at, sizeof(note));
        if (note.n_namesz > sizeof(notes) || note.n_descsz > sizeof(notes))
            return;
        name = at + sizeof(note);
        data = name + (note.n_namesz + 3u) / 4 * 4;
        at = data + (note.n_descsz + 3u) / 4 * 4;
        if (at > end)
            return;
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
            memcmp(notes + name, "GNU", 4) != 0 ||
            note.n_descsz > sizeof(module->build_id))
            continue;
        memcpy(module->build_id, notes + data, note.n_descsz);
        module->build_id_length = note.n_descsz;
        return;
    }
}

static void read_segment(struct thread_memory *memory, const Elf64_Phdr *header,
                         struct thread_module *module)
{
    uint64_t address = module->bias + header->p_vaddr;

    if (header->p_type == PT_GNU_EH_FRAME) {
        module->table = address;
        module->table_size = header->p_memsz;
    } else if (header->p_type == PT_NOTE && !module->build_id_length) {
        read_build_id(memory, address, header->p_filesz, module);
    }
}

/* False when what is mapped at module->start is no ELF file's beginning. */
static bool read_image(struct thread_memory *memory,
                       struct thread_module *module)
{
    Elf64_Phdr headers[THREAD_MODULE_HEADERS_MAX];
    Elf64_Ehdr elf;
    bool loads = false;

    if (!thread_memory_read(memory, module->start, &elf, sizeof(elf)) ||
        memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
        elf.e_ident[EI_CLASS] != ELFCLASS64 ||
        elf.e_phentsize != sizeof(headers[0]) ||
        elf.e_phnum > THREAD_MODULE_HEADERS_MAX ||
        !thread_memory_read(memory, module->start + elf.e_phoff, headers,
                            elf.e_phnum * sizeof(headers[0])))
        return false;
    for (int i = 0; i < elf.e_phnum && !loads; i++)
        if (headers[i].p_type == PT_LOAD &&
            (headers[i].p_offset & ~PAGE_MASK) == 0) {
            module->bias = module->start - (headers[i].p_vaddr & ~PAGE_MASK);
            loads = true;
        }
    for (int i = 0; i < elf.e_phnum && loads; i++)
        read_segment(memory, &headers[i], module);
    return loads;
}

/* ---- all of them ------------------------------------------------------- */

static char *copy_path(const char *path)
{
    size_t length = strlen(path), tail = strlen(DELETED);

    if (length > tail && strcmp(path + length - tail, DELETED) == 0)
        length -= tail;
    return strndup(path, length);
}

static int add_module(struct thread_modules *modules,
                      const struct thread_mapping *mapping)
{
    struct thread_module *grown;
    char *path;

    if (modules->count == THREAD_MODULES_MAX)
        return -E2BIG;
    grown = realloc(modules->list, (modules->count + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    modules->list = grown;
    path = copy_path(mapping->path);
    if (!path)
        return -ENOMEM;
    grown[modules->count++] =
        (struct thread_module){.start = mapping->start, .path = path};
    return 0;
}

static bool is_file(const char *path)
{
    return path[0] == '/' || strcmp(path, "[vdso]") == 0;
}

/* Whether the mapping goes on with the last module: the same file, and not its
 * beginning again. */
static bool goes_on(const struct thread_modules *modules,
                    const struct thread_mapping *mapping)
{
    const char *path;
    size_t length;

    if (!modules->count || mapping->offset == 0)
        return false;
    path = modules->list[modules->count - 1].path;
    length = strlen(path);
    return strncmp(mapping->path, path, length) == 0 &&
           (!mapping->path[length] ||
            strcmp(mapping->path + length, DELETED) == 0);
}

static int add_mapping(struct thread_memory *memory,
                       struct thread_modules *modules, const char *line)
{
    struct thread_mapping mapping;
    struct thread_module *module;
    int err = thread_mapping_parse(line, &mapping);

    if (err)
        return err;
    if (!mapping.writable)
        err = thread_memory_add_constant(memory, mapping.start, mapping.end);
    if (err || !is_file(mapping.path))
        return err;
    if (!goes_on(modules, &mapping)) {
        if (mapping.offset != 0)
            return 0;
        err = add_module(modules, &mapping);
        if (err)
            return err;
    }
    module = &modules->list[modules->count - 1];
    module->end = mapping.end;
    if (mapping.executable && !module->text_end) {
        module->text_start = mapping.start;
        module->text_end = mapping.end;
        module->text_offset = mapping.offset;
    }
    return 0;
}

static void keep_images(struct thread_memory *memory,
                        struct thread_modules *modules)
{
    size_t kept = 0;

    for (size_t i = 0; i < modules->count; i++) {
        struct thread_module *module = &modules->list[i];

        if (module->text_end && read_image(memory, module))
            modules->list[kept++] = *module;
        else
            free(module->path);
    }
    modules->count = kept;
}

static size_t find_main(int process, const struct thread_modules *modules)
{
    char link[PATH_MAX];
    ssize_t length = readlinkat(process, "exe", link, sizeof(link) - 1);
    char *path;
    size_t i = 0;

    link[length < 0 ? 0 : length] = '\0';
    path = copy_path(link);
    while (path && i < modules->count &&
           strcmp(modules->list[i].path, path) != 0)
        i++;
    free(path);
    return path ? i : modules->count;
}

int thread_modules_read(int process, struct thread_memory *memory,
                        struct thread_modules *modules)
{
    int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC), err = 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    FILE *file;

    *modules = (struct thread_modules){.list = NULL};
    if (fd < 0)
        return -errno;
    file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    while (!err && (length = getline(&line, &size, file)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        err = add_mapping(memory, modules, line);
    }
    free(line);
    fclose(file);
    if (err == -E2BIG)
        err = 0; /* frames of further ones have no names */
    if (err) {
        thread_modules_free(modules);
        return err;
    }
    keep_images(memory, modules);
    modules->main = find_main(process, modules);
    return 0;
}

void thread_modules_free(struct thread_modules *modules)
{
    for (size_t i = 0; i < modules->count; i++)
        free(modules->list[i].path);
    free(modules->list);
    *modules = (struct thread_modules){.list = NULL};
}

const struct thread_module *
thread_modules_find(const struct thread_modules *modules, uint64_t address)
{
    for (size_t i = 0; i < modules->count; i++)
        if (address >= modules->list[i].start && address < modules->list[i].end)
            return &modules->list[i];
    return NULL;
}
