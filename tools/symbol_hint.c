/* SPDX-License-Identifier: MIT */
/*
 * symbol_hint.c - which package would give a stripped file its lines.
 *
 * A typical system lists 300 000 files; of each that can hold code a hash and
 * a package are kept, about a megabyte. Two paths with the same hash would
 * give a wrong hint, not a wrong name. Must never run dpkg.
 * Read next: symbolize.c.
 */
#include "symbol_hint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash_bytes.h"

#define HINT_PACKAGES_MAX 20000u
#define HINT_FILES_MAX    (1u << 20)

struct hint_file {
    uint64_t hash; /* of the path, without /usr */
    uint32_t package;
};

struct symbol_hint {
    const char *directory;
    bool read;
    char **packages;
    size_t package_count;
    struct hint_file *files; /* by hash */
    size_t file_count;
    size_t file_size;
};

/* With /usr merged, /lib/x and /usr/lib/x are one file, and the package may
 * list either. */
static const char *path_without_usr(const char *path)
{
    return strncmp(path, "/usr/", 5) == 0 ? path + 4 : path;
}

static uint64_t path_hash(const char *path)
{
    return hash_bytes(path, strlen(path));
}

static int file_compare(const void *a, const void *b)
{
    const struct hint_file *left = a, *right = b;
    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

/* Only below these do packages keep programs and libraries. */
static bool path_may_hold_code(const char *path)
{
    return strncmp(path, "/lib", 4) == 0 || strncmp(path, "/bin/", 5) == 0 ||
           strncmp(path, "/sbin/", 6) == 0 || strncmp(path, "/games/", 7) == 0;
}

static bool hint_add_file(struct symbol_hint *hint, const char *path)
{
    if (hint->file_count == hint->file_size) {
        size_t size = hint->file_size != 0 ? 2 * hint->file_size : 4096;
        struct hint_file *files =
            size <= HINT_FILES_MAX
                ? reallocarray(hint->files, size, sizeof(*files))
                : NULL;
        if (files == NULL)
            return false;
        hint->files = files;
        hint->file_size = size;
    }
    hint->files[hint->file_count++] = (struct hint_file){
        .hash = path_hash(path), .package = (uint32_t)hint->package_count - 1};
    return true;
}

/* Reads PACKAGE.list or PACKAGE:ARCHITECTURE.list. */
static void hint_read_list(struct symbol_hint *hint, int directory,
                           const char *name)
{
    if (hint->package_count % 1024 == 0) {
        char **packages = reallocarray(
            hint->packages, hint->package_count + 1024, sizeof(*packages));
        if (packages == NULL)
            return;
        hint->packages = packages;
    }
    size_t length = strlen(name) - strlen(".list");
    const char *colon = memchr(name, ':', length);
    char *package =
        strndup(name, colon != NULL ? (size_t)(colon - name) : length);
    if (package == NULL)
        return;
    hint->packages[hint->package_count++] = package;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    FILE *list = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, list) > 0) {
        line[strcspn(line, "\n")] = '\0';
        const char *path = path_without_usr(line);
        if (path_may_hold_code(path) && !hint_add_file(hint, path))
            break;
    }
    free(line);
    fclose(list);
}

static void hint_read(struct symbol_hint *hint)
{
    hint->read = true;
    DIR *directory = opendir(hint->directory);
    if (directory == NULL)
        return;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL &&
           hint->package_count < HINT_PACKAGES_MAX) {
        const char *suffix = strrchr(entry->d_name, '.');
        if (suffix != NULL && suffix != entry->d_name &&
            strcmp(suffix, ".list") == 0)
            hint_read_list(hint, dirfd(directory), entry->d_name);
    }
    closedir(directory);
    if (hint->file_count != 0)
        qsort(hint->files, hint->file_count, sizeof(*hint->files),
              file_compare);
}

struct symbol_hint *symbol_hint_new(const char *directory)
{
    struct symbol_hint *hint = calloc(1, sizeof(*hint));
    if (hint != NULL)
        hint->directory = directory;
    return hint;
}

void symbol_hint_free(struct symbol_hint *hint)
{
    if (hint == NULL)
        return;
    for (size_t i = 0; i < hint->package_count; i++)
        free(hint->packages[i]);
    free(hint->packages);
    free(hint->files);
    free(hint);
}

bool symbol_hint_package(struct symbol_hint *hint, const char *path,
                         char name[SYMBOL_HINT_NAME_SIZE])
{
    if (!hint->read)
        hint_read(hint);
    struct hint_file key = {.hash = path_hash(path_without_usr(path))};
    const struct hint_file *file =
        hint->file_count != 0 ? bsearch(&key, hint->files, hint->file_count,
                                        sizeof(key), file_compare)
                              : NULL;
    if (file == NULL)
        return false;
    /* The C library had a debug package before there were automatic ones. */
    const char *package = hint->packages[file->package];
    const char *suffix = strcmp(package, "libc6") == 0 ? "dbg" : "dbgsym";
    return snprintf(name, SYMBOL_HINT_NAME_SIZE, "%s-%s", package, suffix) <
           SYMBOL_HINT_NAME_SIZE;
}
