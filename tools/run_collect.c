/* SPDX-License-Identifier: MIT */
/* run_collect.c - see run_collect.h. */
#include "run_collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process_read.h"
#include "segment_find.h"
#include "segment_read.h"

void run_collect_begin(struct run_collect *run, const char *pattern)
{
    struct timespec now = {0, 0};

    snprintf(run->pattern, sizeof(run->pattern), "%s", pattern);
    clock_gettime(CLOCK_REALTIME, &now);
    run->begin_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whether a path is what the pattern becomes for this process. */
static bool is_output(const struct run_collect *run,
                      const struct segment_header *header, const char *path)
{
    char expanded[PATH_MAX];
    size_t length = 0;

    for (const char *p = run->pattern; *p && length + 80 < PATH_MAX; p++) {
        if (*p == '%' && p[1] == 'p')
            length += (size_t)sprintf(expanded + length, "%u", header->pid);
        else if (*p == '%' && p[1] == 'n')
            length += (size_t)sprintf(expanded + length, "%.63s",
                                      header->program);
        else if (*p == '%' && p[1] == '%')
            expanded[length++] = '%';
        else {
            expanded[length++] = *p;
            continue;
        }
        p++;
    }
    expanded[length] = '\0';
    return strcmp(expanded, path) == 0 && header->created_ns >= run->begin_ns;
}

/* ---- what killed processes left ---------------------------------------- */

/* Copies the used part of a segment. Returns 0 or -errno. */
static int copy_segment(const char *from, const char *to, uint32_t extents)
{
    uint64_t rest = SEGMENT_EXTENTS_OFFSET +
                    (uint64_t)extents * SEGMENT_EXTENT_SIZE;
    static char buffer[SEGMENT_EXTENT_SIZE];
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                   0600);
    int err = in < 0 || out < 0 ? -errno : 0;

    while (!err && rest > 0) {
        size_t want = rest < sizeof(buffer) ? (size_t)rest : sizeof(buffer);
        ssize_t got = read(in, buffer, want);

        if (got <= 0)
            err = got < 0 ? -errno : -EIO;
        else if (write(out, buffer, (size_t)got) != got)
            err = errno ? -errno : -EIO;
        else
            rest -= (uint64_t)got;
    }
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) != 0 && !err)
        err = -errno;
    if (err && out >= 0)
        unlink(to);
    return err;
}

static void keep(const struct run_collect *run, const char *path)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    struct segment_header *header;
    int err;

    if (segment_read(path, SEGMENT_READ_TOTALS, &snapshot, &error) != 0)
        return; /* not ours to judge: it may be another program's */
    header = &snapshot->header;
    if (snapshot->life == SEGMENT_LIFE_KILLED && header->output[0] &&
        is_output(run, header, header->output)) {
        err = copy_segment(path, header->output, header->extents_used);
        if (err)
            fprintf(stderr, "preprof: %s: %s; the profile stays in %s\n",
                    header->output, strerror(-err), path);
        else
            unlink(path);
    }
    segment_snapshot_free(snapshot);
}

void run_collect_killed(const struct run_collect *run)
{
    char directory[PATH_MAX], path[2 * PATH_MAX];
    struct dirent *entry;
    DIR *listing;

    segment_directory(directory);
    listing = opendir(directory);
    while (listing && (entry = readdir(listing))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        keep(run, path);
    }
    if (listing)
        closedir(listing);
}

/* ---- the summary ------------------------------------------------------- */

static void format_bytes(char text[32], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double scaled = (double)bytes;
    size_t unit = 0;

    for (; scaled >= 1024 && unit < 4; unit++)
        scaled /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", scaled, units[unit]);
}

/* One line for a file of the run; whether it was one. */
static bool report(const struct run_collect *run, const char *path,
                   uint32_t first, const char *file)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    const struct segment_header *header;
    char in_use[32];
    bool ours;

    if (segment_read(path, SEGMENT_READ_TOTALS, &snapshot, &error) != 0)
        return false;
    header = &snapshot->header;
    ours = is_output(run, header, path);
    if (ours) {
        const char *name = path;

        if (file && header->pid == first) {
            if (rename(path, file) == 0)
                name = file;
            else
                fprintf(stderr, "preprof: %s: %s\n", file, strerror(errno));
        }
        format_bytes(in_use, snapshot->total.inuse_space);
        fprintf(stderr,
                "preprof: %s, pid %u: %" PRIu64 " allocations, %s in use%s, "
                "%s\n",
                header->program, header->pid, snapshot->total.alloc_objects,
                in_use,
                snapshot->life == SEGMENT_LIFE_KILLED ? " when killed"
                                                      : " at the end",
                name);
        if (header->status != SEGMENT_OK)
            fprintf(stderr, "preprof: nothing recorded: %s owns malloc\n",
                    header->note);
    }
    segment_snapshot_free(snapshot);
    return ours;
}

void run_collect_report(const struct run_collect *run, uint32_t first,
                        const char *file)
{
    char directory[PATH_MAX], path[2 * PATH_MAX];
    struct dirent *entry;
    bool any = false;
    DIR *listing;

    snprintf(directory, sizeof(directory), "%s", run->pattern);
    *strrchr(directory, '/') = '\0';
    listing = opendir(directory[0] ? directory : "/");
    while (listing && (entry = readdir(listing))) {
        if (strstr(entry->d_name, ".tmp-"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        any |= report(run, path, first, file);
    }
    if (listing)
        closedir(listing);
    if (!any)
        fprintf(stderr, "preprof: no profile: the program is static, setuid, "
                        "or cleared LD_PRELOAD\n");
}
