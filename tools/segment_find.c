/* SPDX-License-Identifier: MIT */
/* segment_find.c - see segment_find.h. */
#include "segment_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_read.h"

void segment_directory(char directory[PATH_MAX])
{
    const char *chosen = getenv("PREPROF_DIR");

    if (chosen && *chosen)
        snprintf(directory, PATH_MAX, "%s", chosen);
    else
        snprintf(directory, PATH_MAX, "/dev/shm/preprof-%u",
                 (unsigned)geteuid());
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

int segment_find(const char *directory, uint32_t pid, char path[PATH_MAX],
                 struct segment_error *error)
{
    uint64_t running = process_start_time(pid), best = 0;
    struct dirent *entry;
    bool found = false;
    DIR *listing;

    segment_error_begin(error, directory);
    listing = opendir(directory);
    if (!listing && errno != ENOENT)
        return segment_error_set(error, -errno, SEGMENT_ERROR_NOWHERE, "%s",
                                 strerror(errno));
    while (listing && (entry = readdir(listing))) {
        uint64_t start;
        uint32_t named;

        if (!segment_name_parse(entry->d_name, &named, &start) || named != pid)
            continue;
        if (!found || start == running || (start > best && best != running))
            best = start;
        found = true;
    }
    if (listing)
        closedir(listing);
    if (!found)
        return segment_error_set(
            error, -ENOENT, SEGMENT_ERROR_NOWHERE,
            running ? "process %u has no segment: it was not started under the "
                      "shim"
                    : "no process %u, and no segment of one",
            pid);
    snprintf(path, PATH_MAX, "%s/%u-%llu", directory, pid,
             (unsigned long long)best);
    return 0;
}

int segment_find_input(const char *input, char path[PATH_MAX],
                       struct segment_error *error)
{
    char directory[PATH_MAX], *end;
    unsigned long pid = strtoul(input, &end, 10);

    segment_error_begin(error, input);
    if (snprintf(path, PATH_MAX, "%s", input) >= PATH_MAX)
        return segment_error_set(error, -ENAMETOOLONG, SEGMENT_ERROR_NOWHERE,
                                 "%s", strerror(ENAMETOOLONG));
    if (access(input, F_OK) == 0 || *input < '0' || *input > '9' || *end ||
        pid > INT32_MAX)
        return 0;
    segment_directory(directory);
    return segment_find(directory, (uint32_t)pid, path, error);
}
