/* SPDX-License-Identifier: MIT */
/* run_collect.c - see run_collect.h. */
#include "run_collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loss.h"
#include "printable.h"
#include "process_read.h"
#include "quantity.h"
#include "segment_read.h"

void run_collect_begin(struct run_collect *run, const struct run_output *output,
                       const char *directory)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *run = (struct run_collect){
        .output = output,
        .directory = directory,
        .begin_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
    };
}

/* Whether a path is where a process of this run puts its profile. */
static bool is_output(const struct run_collect *run,
                      const struct segment_header *header, const char *path)
{
    char expanded[PATH_MAX];

    return header->created_ns >= run->begin_ns &&
           run_output_expand(run->output, header->pid, header->program,
                             expanded) &&
           strcmp(expanded, path) == 0;
}

/* ---- what was left ----------------------------------------------------- */

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0)
            return -errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int copy(int in, int out, uint64_t size)
{
    static char buffer[SEGMENT_EXTENT_SIZE];
    int err = 0;

    while (!err && size > 0) {
        size_t want = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);
        ssize_t got = read(in, buffer, want);

        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        err = write_all(out, buffer, (size_t)got);
        size -= (uint64_t)got;
    }
    return err;
}

/* Copies the used part of a segment. Returns 0 or -errno. */
static int copy_segment(const char *from, const char *to, uint32_t extents)
{
    uint64_t size =
        SEGMENT_EXTENTS_OFFSET + (uint64_t)extents * SEGMENT_EXTENT_SIZE;
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), out, err;

    if (in < 0)
        return -errno;
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0) {
        err = -errno;
        close(in);
        return err;
    }
    err = copy(in, out, size);
    if (close(out) != 0 && !err)
        err = -errno;
    close(in);
    if (err)
        unlink(to);
    return err;
}

static void keep(const struct segment_header *header, const char *path)
{
    int err;

    if (process_start_time(header->pid) == header->start_time) {
        fprintf(stderr,
                "preprof: %s, pid %u: still running; see preprof top %u\n",
                header->program, header->pid, header->pid);
        return;
    }
    err = copy_segment(path, header->output, header->extents_used);
    if (err)
        fprintf(stderr, "preprof: %s: %s; the profile stays in %s\n",
                header->output, strerror(-err), path);
    else
        unlink(path);
}

void run_collect_segments(const struct run_collect *run)
{
    DIR *listing = opendir(run->directory);
    struct dirent *entry;

    while (listing && (entry = readdir(listing))) {
        char path[PATH_MAX];
        struct segment_snapshot *snapshot;
        struct segment_error error;

        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof(path), "%s/%s", run->directory,
                     entry->d_name) >= (int)sizeof(path) ||
            segment_read(path, SEGMENT_READ_TOTALS, &snapshot, &error) != 0)
            continue; /* not ours to judge: it may be another program's */
        if (is_output(run, &snapshot->header, snapshot->header.output))
            keep(&snapshot->header, path);
        segment_snapshot_free(snapshot);
    }
    if (listing)
        closedir(listing);
}

/* ---- the summary ------------------------------------------------------- */

/* The first process's FILE.PID becomes FILE. Returns the name it has then. */
static char *name_file(const struct run_collect *run, char *path)
{
    char *name;

    if (!run->output->renamed)
        return path;
    name = strndup(path, (size_t)(strrchr(path, '.') - path));
    if (name && rename(path, name) == 0) {
        free(path);
        return name;
    }
    fprintf(stderr, "preprof: %s: %s\n", name ? name : path, strerror(errno));
    free(name);
    return path;
}

/* When a process was last heard of. One that has exited without telling the
 * shim did so by a bare system call, or as another program. */
static const char *last_word(const struct run_collect *run,
                             const struct segment_snapshot *snapshot)
{
    if (snapshot->life != SEGMENT_LIFE_KILLED)
        return "at the end";
    if (snapshot->header.pid == run->first && !run->first_killed)
        return "when last seen";
    return "when killed";
}

static void report(const struct run_collect *run,
                   const struct segment_snapshot *snapshot, const char *file)
{
    const struct segment_header *header = &snapshot->header;
    bool sampled = header->modes_used & (1u << SEGMENT_MODE_SAMPLE);
    char allocations[QUANTITY_SIZE], in_use[QUANTITY_SIZE];

    quantity_count(snapshot->total.alloc_objects, "allocation", allocations);
    quantity_bytes(snapshot->total.inuse_space, in_use);
    fprintf(stderr, "preprof: %s, pid %u: %s%s, %s in use %s, %s\n",
            header->program, header->pid, sampled ? "about " : "", allocations,
            in_use, last_word(run, snapshot), file);
    if (header->status != SEGMENT_OK || loss_any_serious(snapshot->losses))
        fprintf(stderr, "preprof: this profile is %s; see preprof doctor %s\n",
                header->status != SEGMENT_OK ? "empty" : "not complete", file);
}

/* One file that may be of this run. Returns whether it was. */
static bool report_file(const struct run_collect *run, const char *path,
                        bool first)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    bool ours = false;
    char *file;

    if (segment_read(path, SEGMENT_READ_TOTALS, &snapshot, &error) != 0)
        return false;
    if (first == (snapshot->header.pid == run->first) &&
        is_output(run, &snapshot->header, path) && (file = strdup(path))) {
        ours = true;
        if (first)
            file = name_file(run, file);
        printable_clean(snapshot->header.program,
                        strlen(snapshot->header.program));
        report(run, snapshot, run_output_shorten(run->output, file));
        free(file);
    }
    segment_snapshot_free(snapshot);
    return ours;
}

size_t run_collect_report(const struct run_collect *run, bool *first)
{
    char pattern[PATH_MAX];
    size_t reported;
    glob_t files;

    *first = false;
    run_output_glob(run->output, pattern);
    if (glob(pattern, 0, NULL, &files) != 0)
        return 0;
    for (size_t i = 0; i < files.gl_pathc && !*first; i++)
        *first = report_file(run, files.gl_pathv[i], true);
    reported = *first;
    for (size_t i = 0; i < files.gl_pathc; i++)
        reported += report_file(run, files.gl_pathv[i], false);
    globfree(&files);
    return reported;
}
