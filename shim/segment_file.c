/* SPDX-License-Identifier: MIT */
/* segment_file.c - see segment_file.h. */
#include "segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "counter.h"
#include "os.h"
#include "segment_prune.h"
#include "text.h"

/* ---- identity ---------------------------------------------------------- */

/* Field 22 of /proc/self/stat, which with the pid names a process for ever (in
 * one boot). 0 without /proc. */
static uint64_t read_start_time(void)
{
    char buffer[512];
    const char *cursor = NULL;
    uint64_t ticks;

    if (os_read_file("/proc/self/stat", buffer, sizeof(buffer)) <= 0)
        return 0;
    for (const char *p = buffer; *p; p++)
        if (*p == ')') /* the name may contain parentheses: take the last */
            cursor = p + 1;
    for (int field = 2; cursor && field < 22; field++) {
        while (*cursor && *cursor != ' ')
            cursor++;
        if (*cursor == ' ')
            cursor++;
    }
    return cursor && text_parse_number(&cursor, &ticks) == 0 ? ticks : 0;
}

static void fill_identity(struct segment_header *header, uint64_t size)
{
    memcpy(header->magic, SEGMENT_MAGIC, sizeof(header->magic));
    header->version = SEGMENT_VERSION;
    header->byte_order = SEGMENT_BYTE_ORDER;
    header->header_size = sizeof(*header);
    header->extents_max =
        (uint32_t)((size - SEGMENT_EXTENTS_OFFSET) / SEGMENT_EXTENT_SIZE);
    header->pid = (uint32_t)os_getpid();
    header->uid = (uint32_t)os_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0);
    header->start_time = read_start_time();
    header->pid_namespace = os_pid_namespace();
}

/* ---- the file ---------------------------------------------------------- */

/* Nobody but us may put names into the directory (hazards G5). */
static int check_directory(int fd)
{
    struct stat status;
    int err = os_fstat(fd, &status);
    long euid = os_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0);

    if (err)
        return err;
    return status.st_uid == (uid_t)euid && !(status.st_mode & 022) ? 0 : -EPERM;
}

static int open_directory(const char *directory)
{
    int fd, err;

    os_mkdir(directory, 0700);
    fd = os_open(AT_FDCWD, directory,
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    err = check_directory(fd);
    if (err) {
        os_close(fd);
        return err;
    }
    return fd;
}

/* How long the (sparse) file may be, in whole extents. */
static uint64_t choose_size(int fd, uint64_t size_max)
{
    uint64_t size = os_filesystem_free(fd) / SEGMENT_FILE_FREE_PART;
    uint64_t limit = os_limit(RLIMIT_FSIZE); /* beyond it: SIGXFSZ */

    if (size > size_max)
        size = size_max;
    if (size > limit)
        size = limit;
    if (size < SEGMENT_FILE_SIZE_MIN)
        return 0;
    return size - (size - SEGMENT_EXTENTS_OFFSET) % SEGMENT_EXTENT_SIZE;
}

static void name_in(char *path, size_t size, const char *directory,
                    const char *name)
{
    struct text text = text_in(path, size);

    text_string(&text, directory);
    text_char(&text, '/');
    text_string(&text, name);
}

/* Maps the open file and fills in its header page. */
static int map(struct segment_file *file, int fd)
{
    int err = os_ftruncate(fd, file->size);
    void *mapping;

    if (err)
        return err;
    mapping = os_map_file(fd, file->size);
    if (OS_FAILED(mapping))
        return (int)(intptr_t)mapping;
    err = os_populate(mapping, SEGMENT_HEADER_SIZE);
    if (err) {
        os_unmap(mapping, file->size);
        return err;
    }
    file->header = mapping;
    fill_identity(file->header, file->size);
    return 0;
}

int segment_file_create(struct segment_file *file, const char *directory,
                        uint64_t size_max)
{
    char name[64];
    struct text text = text_in(name, sizeof(name));
    int dir_fd = open_directory(directory), fd, err;

    if (dir_fd < 0)
        return dir_fd;
    segment_prune(dir_fd);
    *file = (struct segment_file){.size = choose_size(dir_fd, size_max)};
    if (file->size == 0) {
        os_close(dir_fd);
        return -EFBIG;
    }
    text_string(&text, ".new-");
    text_number(&text, (uint64_t)os_getpid());
    text_char(&text, '-');
    text_number(&text, os_random());
    name_in(file->temporary, sizeof(file->temporary), directory, name);
    fd = os_open(dir_fd, name,
                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    os_close(dir_fd);
    if (fd < 0)
        return fd;
    err = map(file, fd);
    os_close(fd);
    if (err) {
        os_unlink_at(AT_FDCWD, file->temporary);
        return err;
    }
    text = text_in(name, sizeof(name));
    text_number(&text, file->header->pid);
    text_char(&text, '-');
    text_number(&text, file->header->start_time);
    name_in(file->path, sizeof(file->path), directory, name);
    return 0;
}

int segment_file_publish(struct segment_file *file)
{
    return os_rename_at(AT_FDCWD, file->temporary, file->path);
}

void segment_file_discard(struct segment_file *file)
{
    os_unlink_at(AT_FDCWD, file->temporary);
    segment_file_unmap(file);
}

void segment_file_unlink(struct segment_file *file)
{
    if (file->header)
        os_unlink_at(AT_FDCWD, file->path);
}

void segment_file_unmap(struct segment_file *file)
{
    if (file->header)
        os_unmap(file->header, file->size);
    file->header = NULL;
}

/* ---- reading our own --------------------------------------------------- */

/* `base` is a mapped segment or a copy of one. */
static uint64_t *table_of(void *base)
{
    return (uint64_t *)(void *)((char *)base + SEGMENT_EXTENT_TABLE_OFFSET);
}

static uint64_t word_of(void *base, uint32_t index)
{
    return __atomic_load_n(&table_of(base)[index], __ATOMIC_ACQUIRE);
}

static char *extent_of(void *base, uint32_t index)
{
    return (char *)base + SEGMENT_EXTENTS_OFFSET +
           (uint64_t)index * SEGMENT_EXTENT_SIZE;
}

static uint32_t extents_used(const struct segment_file *file)
{
    uint32_t used =
        __atomic_load_n(&file->header->extents_used, __ATOMIC_ACQUIRE);

    return used < file->header->extents_max ? used : file->header->extents_max;
}

/* The rows of an extent, or NULL when it holds something else. */
static struct segment_row *rows_of(void *base, uint32_t index)
{
    if (SEGMENT_EXTENT_TYPE(word_of(base, index)) != SEGMENT_EXTENT_COUNTERS)
        return NULL;
    return (struct segment_row *)(void *)extent_of(base, index);
}

uint64_t segment_file_in_use(const struct segment_file *file)
{
    uint64_t in_use = 0;
    uint32_t used;

    if (!file->header || !file->header->recording_ns)
        return 0;
    /* The parent goes on: it hands out extents that it made accessible, after
     * the fork, to itself alone. */
    used = extents_used(file);
    if (os_make_readable(file->header,
                         SEGMENT_EXTENTS_OFFSET +
                             (uint64_t)used * SEGMENT_EXTENT_SIZE) != 0)
        return 0;
    for (uint32_t i = 1; i < SEGMENT_SINK_COUNT; i++)
        in_use += file->header->sinks[i].alloc_space -
                  file->header->sinks[i].free_space;
    for (uint32_t i = 0; i < used; i++) {
        const struct segment_row *rows = rows_of(file->header, i);
        bool first = SEGMENT_EXTENT_BASE(word_of(file->header, i)) == 0;

        /* Row 0 counts calls, not bytes. */
        for (uint32_t j = first ? 1 : 0; rows && j < SEGMENT_ROWS_PER_EXTENT;
             j++)
            in_use += rows[j].alloc_space - rows[j].free_space;
    }
    return in_use;
}

/* ---- the dump ---------------------------------------------------------- */

static void copy_frees(struct segment_row *to, const struct segment_row *from)
{
    to->free_objects = counter_read(&from->free_objects);
    to->free_space = counter_read(&from->free_space);
}

static void copy_allocs(struct segment_row *to, const struct segment_row *from)
{
    to->alloc_objects = counter_read(&from->alloc_objects);
    to->alloc_space = counter_read(&from->alloc_space);
}

static void
copy_rows(const struct segment_file *file, void *copy, uint32_t extents,
          void (*half)(struct segment_row *, const struct segment_row *))
{
    struct segment_header *header = copy;

    for (uint32_t i = 0; i < SEGMENT_SINK_COUNT; i++)
        half(&header->sinks[i], &file->header->sinks[i]);
    for (uint32_t i = 0; i < extents; i++) {
        /* By the copy's table: there may be more in the other by now. */
        struct segment_row *to = rows_of(copy, i);
        const struct segment_row *from = rows_of(file->header, i);

        for (uint32_t j = 0; to && j < SEGMENT_ROWS_PER_EXTENT; j++)
            half(&to[j], &from[j]);
    }
}

/* Saved before its row says so, and so copied after it. */
static void copy_peaks(const struct segment_file *file, void *copy,
                       uint32_t extents)
{
    for (uint32_t i = 0; i < extents; i++)
        if (SEGMENT_EXTENT_TYPE(word_of(copy, i)) == SEGMENT_EXTENT_PEAKS)
            memcpy(extent_of(copy, i), extent_of(file->header, i),
                   SEGMENT_EXTENT_SIZE);
}

/* The table, and what it says is there: the rest may not be touched. */
static void copy_extents(const struct segment_file *file, void *copy,
                         uint32_t extents)
{
    for (uint32_t i = 0; i < extents; i++) {
        uint64_t word = word_of(file->header, i);

        if (SEGMENT_EXTENT_TYPE(word) == SEGMENT_EXTENT_NONE)
            continue;
        table_of(copy)[i] = word;
        memcpy(extent_of(copy, i), extent_of(file->header, i),
               SEGMENT_EXTENT_SIZE);
    }
}

static int write_file(const char *path, const void *bytes, uint64_t size)
{
    char temporary[1088 + 32];
    struct text text = text_in(temporary, sizeof(temporary));
    int fd, err;

    text_string(&text, path);
    text_string(&text, ".tmp-");
    text_number(&text, (uint64_t)os_getpid());
    fd = os_open(AT_FDCWD, temporary,
                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    err = os_write_all(fd, bytes, size);
    os_close(fd);
    if (!err)
        err = os_rename_at(AT_FDCWD, temporary, path);
    if (err)
        os_unlink_at(AT_FDCWD, temporary);
    return err;
}

int segment_file_dump(const struct segment_file *file, const char *path)
{
    uint32_t extents = extents_used(file);
    uint64_t size =
        SEGMENT_EXTENTS_OFFSET + (uint64_t)extents * SEGMENT_EXTENT_SIZE;
    char *copy;
    int err;

    if (size > os_limit(RLIMIT_FSIZE)) /* writing it would be a SIGXFSZ */
        return -EFBIG;
    copy = os_map(size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, file->header, sizeof(*file->header));
    if (extents > 0) { /* else not even their table is there */
        /* Copies everything, then the counters again in their right order:
         * other threads may still be at work. */
        copy_extents(file, copy, extents);
        copy_rows(file, copy, extents, copy_frees);
        copy_rows(file, copy, extents, copy_allocs);
        copy_peaks(file, copy, extents);
    }
    err = write_file(path, copy, size);
    os_unmap(copy, size);
    return err;
}
