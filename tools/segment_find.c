/* SPDX-License-Identifier: MIT */
/* segment_find.c - see segment_find.h. */
#include "segment_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_read.h"
#include "segment.h"
#include "segment_places.h"

void segment_name_format(uint32_t pid, uint64_t start_time,
                         char name[SEGMENT_NAME_SIZE])
{
    snprintf(name, SEGMENT_NAME_SIZE, "%u-%llu", pid,
             (unsigned long long)start_time);
}

bool segment_name_parse(const char *name, uint32_t *pid, uint64_t *start_time)
{
    unsigned long long parsed_start;
    unsigned parsed_pid;
    int end = 0;

    if (sscanf(name, "%10u-%20llu%n", &parsed_pid, &parsed_start, &end) != 2 ||
        name[end] != '\0' || name[0] < '0' || name[0] > '9')
        return false;
    *pid = parsed_pid;
    *start_time = parsed_start;
    return true;
}

bool segment_name_matches(const char *path, uint32_t pid, uint64_t start_time)
{
    const char *slash = strrchr(path, '/');
    uint64_t named_start;
    uint32_t named_pid;

    return segment_name_parse(slash ? slash + 1 : path, &named_pid,
                              &named_start) &&
           named_pid == pid && named_start == start_time;
}

bool segment_is_left(const struct segment_header *header)
{
    struct process_users users;
    char name[SEGMENT_NAME_SIZE];
    int mapped;

    segment_name_format(header->pid, header->start_time, name);
    mapped = process_maps(header->pid, name);
    if (mapped >= 0)
        return !mapped;
    /* Nobody but root can take on another user without such an exec. */
    return header->uid != 0 && process_users(header->pid, &users) == 0 &&
           users.effective != header->uid;
}

/* The best segment of a pid so far. */
struct found {
    uint64_t running; /* start of the process that has the pid now, or 0 */
    uint64_t start;
    const char *directory; /* NULL: none yet */
};

static int find_in(const char *directory, uint32_t pid, struct found *best,
                   struct segment_error *error)
{
    DIR *listing = opendir(directory);
    struct dirent *entry;

    if (!listing && errno != ENOENT) {
        segment_error_begin(error, directory);
        return segment_error_set(error, -errno, SEGMENT_ERROR_NOWHERE, "%s",
                                 strerror(errno));
    }
    while (listing && (entry = readdir(listing))) {
        uint64_t start;
        uint32_t named;

        if (!segment_name_parse(entry->d_name, &named, &start) ||
            named != pid ||
            (best->directory && start != best->running &&
             (start <= best->start || best->start == best->running)))
            continue;
        best->start = start;
        best->directory = directory;
    }
    if (listing)
        closedir(listing);
    return 0;
}

int segment_find(const char *directory, uint32_t pid, char path[PATH_MAX],
                 struct segment_error *error)
{
    struct found best = {.running = process_start_time(pid)};
    struct segment_places places;
    char name[SEGMENT_NAME_SIZE];
    int err = segment_places_list(directory, &places);

    segment_error_begin(error, err ? "" : places.directories[0]);
    if (err)
        return segment_error_set(error, err, SEGMENT_ERROR_NOWHERE, "%s",
                                 strerror(-err));
    for (size_t i = 0; !err && i < places.count; i++)
        err = find_in(places.directories[i], pid, &best, error);
    if (!err && !best.directory)
        err = segment_error_set(
            error, -ENOENT, SEGMENT_ERROR_NOWHERE,
            best.running
                ? "process %u has no segment: it was not started under the "
                  "shim"
                : "no process %u, and no segment of one",
            pid);
    if (!err) {
        segment_name_format(pid, best.start, name);
        snprintf(path, PATH_MAX, "%s/%s", best.directory, name);
    }
    segment_places_free(&places);
    return err;
}

/* ---- by the program's name --------------------------------------------- */

/* The newest process of a program so far. */
struct newest {
    const char *program;
    uint64_t created_ns;
    uint32_t pid; /* 0: none yet */
};

/* Reads the header of a live process's segment; false for what is none. */
static bool read_live(int directory, const char *name,
                      struct segment_header *header)
{
    uint64_t start_time;
    ssize_t size;
    uint32_t pid;
    int fd;

    if (!segment_name_parse(name, &pid, &start_time) ||
        process_start_time(pid) != start_time)
        return false;
    fd =
        openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    size = pread(fd, header, sizeof(*header), 0);
    close(fd);
    return size == (ssize_t)sizeof(*header) &&
           memcmp(header->magic, SEGMENT_MAGIC, sizeof(header->magic)) == 0 &&
           header->version == SEGMENT_VERSION && header->pid == pid &&
           header->start_time == start_time && header->state == SEGMENT_LIVE &&
           process_namespace_is_ours(header->pid_namespace) &&
           !segment_is_left(header);
}

/* Whether a process is of a program, by its segment or as the kernel has it. */
static bool is_named(const struct segment_header *header, const char *program)
{
    char name[PROCESS_NAME_SIZE];

    return strncmp(header->program, program, sizeof(header->program)) == 0 ||
           (process_name(header->pid, name) == 0 &&
            strncmp(name, program, sizeof(name) - 1) == 0);
}

static void find_newest_in(const char *directory, struct newest *newest)
{
    DIR *listing = opendir(directory);
    struct segment_header header;
    struct dirent *entry;

    while (listing && (entry = readdir(listing))) {
        if (!read_live(dirfd(listing), entry->d_name, &header) ||
            !is_named(&header, newest->program) ||
            (newest->pid && header.created_ns <= newest->created_ns))
            continue;
        newest->created_ns = header.created_ns;
        newest->pid = header.pid;
    }
    if (listing)
        closedir(listing);
}

int segment_find_program(const char *directory, const char *program,
                         uint32_t *pid, struct segment_error *error)
{
    struct newest newest = {.program = program};
    struct segment_places places;
    int err = segment_places_list(directory, &places);

    segment_error_begin(error, program);
    if (err)
        return segment_error_set(error, err, SEGMENT_ERROR_NOWHERE, "%s",
                                 strerror(-err));
    for (size_t i = 0; i < places.count; i++)
        find_newest_in(places.directories[i], &newest);
    segment_places_free(&places);
    if (!newest.pid)
        return segment_error_set(error, -ENOENT, SEGMENT_ERROR_NOWHERE,
                                 "no live process of that program runs under "
                                 "the shim");
    *pid = newest.pid;
    return 0;
}

/* ---- by what a person named -------------------------------------------- */

int segment_find_input(const char *input, char path[PATH_MAX],
                       struct segment_error *error)
{
    char *end;
    unsigned long pid = strtoul(input, &end, 10);

    segment_error_begin(error, input);
    if (snprintf(path, PATH_MAX, "%s", input) >= PATH_MAX)
        return segment_error_set(error, -ENAMETOOLONG, SEGMENT_ERROR_NOWHERE,
                                 "%s", strerror(ENAMETOOLONG));
    if (access(input, F_OK) == 0 || *input < '0' || *input > '9' || *end ||
        pid > INT32_MAX)
        return 0;
    return segment_find(NULL, (uint32_t)pid, path, error);
}
