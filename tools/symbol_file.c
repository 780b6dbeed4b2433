/* SPDX-License-Identifier: MIT */
/*
 * symbol_file.c - which files hold the symbols of a mapped object.
 *
 * Must never use a file that is known not to be the mapped one, and never
 * reach the network: libdw is given files, it is not let search for them.
 * Read next: symbol_debug.c, symbolize.c.
 */
#include "symbol_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol_debug.h"

#define FILE_MAPS_LINES_MAX                                                    \
    65536 /* of /proc/PID/maps: twice the default                              \
             vm.max_map_count would be one process */

/* A search for the mapped object, and what it came upon. */
struct file_search {
    const struct symbol_module_key *key;
    struct symbol_places places;
    struct symbol_build_id id; /* of what was mapped */
    int error;                 /* why the path was no use: -errno */
    bool unlinked;             /* the mapped file is not at its path */
    bool from_process;         /* found as a mapping of the live process */
};

/* Opens one candidate if, as far as can be known, it is the mapped object.
 * 0 or -errno: -ESTALE when it is another build. */
static int search_try(struct file_search *search, struct symbol_elf *main,
                      int root, const char *path)
{
    int error = symbol_elf_open(main, root, path);
    if (error != 0 || search->id.length == 0 ||
        symbol_build_id_equal(&main->build_id, &search->id))
        return error;
    symbol_elf_close(main);
    return -ESTALE;
}

/* At the path, as the process sees it and as we do. */
static bool search_path(struct file_search *search, struct symbol_elf *main)
{
    for (size_t i = 0; i < search->places.root_count; i++) {
        int error = search_try(search, main, search->places.roots[i],
                               search->key->path);
        if (error == 0) {
            search->error = 0; /* elsewhere does not matter */
            return true;
        }
        if (search->error == 0 || search->error == -ENOENT)
            search->error = error;
    }
    return false;
}

/* Cuts the mark of a file without a name; true when there was one. */
static bool cut_deleted(char *path)
{
    static const char mark[] = " (deleted)";
    size_t length = strlen(path);
    if (length < sizeof(mark) ||
        strcmp(path + length - (sizeof(mark) - 1), mark) != 0)
        return false;
    path[length - (sizeof(mark) - 1)] = '\0';
    return true;
}

/* One line of /proc/PID/maps: is it of our path, and is that the object? */
static bool search_mapping(struct file_search *search, struct symbol_elf *main,
                           char *line, uint64_t *inode_tried)
{
    uint64_t start, end, inode;
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %" SCNu64 " %n",
               &start, &end, &inode, &name) != 3 ||
        name == 0)
        return false;
    bool unlinked = cut_deleted(line + name);
    if (strcmp(line + name, search->key->path) != 0)
        return false;
    search->unlinked |= unlinked;
    if (inode == *inode_tried)
        return false;
    *inode_tried = inode;
    char path[96];
    snprintf(path, sizeof(path),
             "/proc/%" PRId64 "/map_files/%" PRIx64 "-%" PRIx64,
             search->key->pid, start, end);
    return search_try(search, main, AT_FDCWD, path) == 0;
}

/* Among what the live process has mapped, even if its name is gone. Opening
 * map_files needs privilege; the program itself does not. */
static bool search_process(struct file_search *search, struct symbol_elf *main)
{
    char path[64], target[PATH_MAX];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/maps", search->key->pid);
    FILE *maps = fopen(path, "re");
    if (maps != NULL) {
        char *line = NULL;
        size_t size = 0, count = 0;
        uint64_t inode_tried = 0;
        ssize_t length;
        while (!found && count++ < FILE_MAPS_LINES_MAX &&
               (length = getline(&line, &size, maps)) > 0) {
            line[length - 1] = '\0';
            found = search_mapping(search, main, line, &inode_tried);
        }
        free(line);
        fclose(maps);
    }
    if (!found) {
        snprintf(path, sizeof(path), "/proc/%" PRId64 "/exe", search->key->pid);
        ssize_t length = readlink(path, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        bool unlinked = cut_deleted(target);
        if (strcmp(target, search->key->path) == 0) {
            search->unlinked |= unlinked;
            found = search_try(search, main, AT_FDCWD, path) == 0;
        }
    }
    search->from_process = found;
    return found;
}

/*
 * A build id proves itself, so the path is tried first. Without one the
 * process's own mapping is the only proof; where that cannot be had, the path
 * is believed unless the mapped file is known not to be there any more.
 */
static bool search_main(struct file_search *search, struct symbol_elf *main)
{
    bool live = search->key->pid > 0;
    if (search->id.length != 0)
        return search_path(search, main) ||
               (live && search_process(search, main));
    return (live && search_process(search, main)) ||
           (!search->unlinked && search_path(search, main));
}

/* What is to be said about the file at the path; NULL when nothing. */
static char *search_note(const struct file_search *search,
                         const struct symbol_file *file)
{
    const char *reason;
    bool found = file->main.elf != NULL;
    const struct timespec *changed = &file->main.stat.st_mtim;
    uint64_t changed_ns =
        (uint64_t)changed->tv_sec * 1000000000u + (uint64_t)changed->tv_nsec;
    if (search->error == -ESTALE)
        reason = " was replaced since (build id differs)";
    else if (search->unlinked || search->error == -ENOENT ||
             search->error == -ENOTDIR)
        reason = " was deleted";
    else if (search->error == -EINVAL)
        reason = " is not a regular file";
    else if (search->error == -EFBIG)
        reason = " is too large to read";
    else if (search->error == -ENOEXEC)
        reason = " is not an ELF file";
    else if (search->error != 0)
        reason = " cannot be opened";
    else if (search->id.length == 0 && found && !search->from_process &&
             search->key->mapped_ns != 0 && changed_ns > search->key->mapped_ns)
        reason = " changed after it was mapped, names may be wrong (no build "
                 "id to tell)";
    else
        return NULL;
    const char *source = search->from_process      ? ", read from the process"
                         : found                   ? ""
                         : file->debug.elf != NULL ? ", read its debug file"
                                                   : "";
    char *text;
    return asprintf(&text, "%s%s%s", search->key->path, reason, source) >= 0
               ? text
               : NULL;
}

/* The debug file, and what it shares with others. */
static void search_debug(struct file_search *search, struct symbol_file *file)
{
    const struct symbol_build_id *id = &search->id;
    if (file->main.elf != NULL) {
        if (symbol_elf_has_debug_info(file->main.elf))
            return;
        id = &file->main.build_id;
    }
    if (!symbol_debug_open_by_id(&file->debug, &search->places, id) &&
        file->main.elf != NULL)
        symbol_debug_open_by_link(&file->debug, &search->places, &file->main,
                                  search->key->path);
}

/*
 * Hands the DWARF to libdw together with the file it refers to: a missing one
 * libdw would look for by itself, opening whatever is there. Without it the
 * references lead nowhere, so then there is no DWARF.
 */
static void search_dwarf(struct file_search *search, struct symbol_file *file)
{
    const struct symbol_elf *source =
        file->debug.elf != NULL ? &file->debug : &file->main;
    if (source->elf == NULL || !symbol_elf_has_debug_info(source->elf) ||
        !symbol_debug_open_common(&file->common, &search->places, source))
        return;
    if (file->common.elf != NULL) {
        file->common_dwarf =
            dwarf_begin_elf(file->common.elf, DWARF_C_READ, NULL);
        if (file->common_dwarf == NULL)
            return;
    }
    file->dwarf = dwarf_begin_elf(source->elf, DWARF_C_READ, NULL);
    if (file->dwarf != NULL && file->common_dwarf != NULL)
        dwarf_setalt(file->dwarf, file->common_dwarf);
}

static bool file_has_section(const struct symbol_elf *file, uint32_t type)
{
    GElf_Shdr header;
    return file->elf != NULL &&
           symbol_elf_section(file->elf, NULL, type, &header) != NULL;
}

static enum symbol_state file_state(const struct symbol_file *file)
{
    if (file->dwarf != NULL)
        return SYMBOL_FULL;
    if (file_has_section(&file->main, SHT_SYMTAB) ||
        file_has_section(&file->debug, SHT_SYMTAB))
        return SYMBOL_NAMES;
    return file_has_section(&file->main, SHT_DYNSYM) ? SYMBOL_DYNAMIC
                                                     : SYMBOL_NONE;
}

/* The kernel's page: it is in no file, but it is in us too. */
static void search_vdso(struct file_search *search, struct symbol_file *file)
{
    if (symbol_elf_open_vdso(&file->main) == 0 &&
        !symbol_build_id_equal(&file->main.build_id, &search->id)) {
        symbol_elf_close(&file->main);
        file->note = strdup("[vdso] is of another kernel");
    }
}

void symbol_file_open(struct symbol_file *file,
                      const struct symbol_module_key *key,
                      const char *debug_root)
{
    *file = (struct symbol_file){0};
    struct file_search search = {
        .key = key,
        .places = {.roots = {AT_FDCWD},
                   .root_count = 1,
                   .debug_root = debug_root},
    };
    if (key->build_id != NULL && key->build_id_length <= SYMBOL_BUILD_ID_MAX) {
        search.id.length = key->build_id_length;
        memcpy(search.id.bytes, key->build_id, key->build_id_length);
    }
    int root = -1;
    if (key->pid > 0) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%" PRId64 "/root", key->pid);
        root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root >= 0) {
            search.places.roots[0] = root;
            search.places.roots[1] = AT_FDCWD;
            search.places.root_count = 2;
        }
    }
    if (strcmp(key->path, "[vdso]") == 0)
        search_vdso(&search, file);
    else if (key->path[0] == '/')
        search_main(&search, &file->main);
    search_debug(&search, file);
    search_dwarf(&search, file);
    file->state = file_state(file);
    if (key->path[0] == '/')
        file->note = search_note(&search, file);
    if (root >= 0)
        close(root);
}

void symbol_file_close(struct symbol_file *file)
{
    dwarf_end(file->dwarf);
    dwarf_end(file->common_dwarf);
    symbol_elf_close(&file->common);
    symbol_elf_close(&file->debug);
    symbol_elf_close(&file->main);
    free(file->note);
    *file = (struct symbol_file){0};
}
