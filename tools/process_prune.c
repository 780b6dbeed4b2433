/* SPDX-License-Identifier: MIT */
/* process_prune.c - see process_prune.h. */
#include "process_prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "process_list.h"
#include "process_read.h"
#include "segment_find.h"
#include "segment_places.h"

#define MARKED 0400 /* the mode of a file whose process was found dead */

struct dead {
    char name[NAME_MAX + 1];
    uint64_t bytes; /* that it really takes */
    time_t found_s; /* when somebody first found it dead */
};

struct graveyard {
    int fd; /* of the directory */
    struct dead *dead;
    size_t count;
};

/* ---- who is dead ------------------------------------------------------- */

/* Whether an open file is the segment it is named after, and its process is
 * gone for sure. */
static bool is_dead(int fd, uint32_t pid, uint64_t start_time,
                    struct segment_header *header)
{
    return pread(fd, header, sizeof(*header), 0) == (ssize_t)sizeof(*header) &&
           memcmp(header->magic, SEGMENT_MAGIC, sizeof(header->magic)) == 0 &&
           header->version == SEGMENT_VERSION && header->pid == pid &&
           header->start_time == start_time && header->pid_namespace != 0 &&
           process_namespace_is_ours(header->pid_namespace) &&
           process_is_gone(pid, start_time);
}

/* Opens a dead process's file and says what it is. Returns the descriptor or
 * -errno. */
static int open_dead(int directory, const char *name, struct stat *status,
                     struct segment_header *header)
{
    uint64_t start_time;
    uint32_t pid;
    int fd;

    if (!segment_name_parse(name, &pid, &start_time))
        return -EINVAL;
    fd =
        openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) &&
        is_dead(fd, pid, start_time, header))
        return fd;
    close(fd);
    return -EBUSY;
}

/* Begins the day of grace, unless it has begun. Returns when. */
static time_t mark(int fd, const struct stat *status)
{
    static const struct timespec now[] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};

    if ((status->st_mode & 0777) == MARKED)
        return status->st_mtim.tv_sec;
    if (futimens(fd, now) == 0)
        fchmod(fd, MARKED);
    return time(NULL);
}

/* ---- the limits -------------------------------------------------------- */

static int add(struct graveyard *yard, const char *name, uint64_t bytes,
               time_t found_s)
{
    struct dead *grown =
        realloc(yard->dead, (yard->count + 1) * sizeof(*grown));
    struct dead *dead;

    if (!grown)
        return -ENOMEM;
    yard->dead = grown;
    dead = &grown[yard->count++];
    snprintf(dead->name, sizeof(dead->name), "%s", name);
    dead->bytes = bytes;
    dead->found_s = found_s;
    return 0;
}

/* A birth that never ended: its file has no header yet that says whose it is,
 * but none takes this long. */
static bool is_stillborn(int directory, const char *name)
{
    struct stat status;

    return strncmp(name, ".new-", 5) == 0 &&
           fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(status.st_mode) &&
           time(NULL) > status.st_mtim.tv_sec + (time_t)SEGMENT_PRUNE_AGE_S;
}

static void look_at(struct graveyard *yard, const char *name)
{
    struct segment_header header;
    struct stat status;
    int fd = open_dead(yard->fd, name, &status, &header);

    if (fd >= 0) {
        if (SEGMENT_IS_LEFT_OVER(&header))
            unlinkat(yard->fd, name, 0);
        else
            add(yard, name, (uint64_t)status.st_blocks * 512,
                mark(fd, &status));
        close(fd);
    } else if (is_stillborn(yard->fd, name)) {
        unlinkat(yard->fd, name, 0);
    }
}

static int youngest_first(const void *a, const void *b)
{
    const struct dead *x = a, *y = b;

    if (x->found_s != y->found_s)
        return x->found_s > y->found_s ? -1 : 1;
    return -strverscmp(x->name, y->name);
}

static uint64_t bytes_max(int directory)
{
    struct statvfs status;
    uint64_t part;

    if (fstatvfs(directory, &status) != 0)
        return PROCESS_PRUNE_BYTES_MAX;
    part = (uint64_t)status.f_blocks * status.f_frsize /
           PROCESS_PRUNE_FILESYSTEM_PART;
    return part < PROCESS_PRUNE_BYTES_MAX ? part : PROCESS_PRUNE_BYTES_MAX;
}

static void remove_old(struct graveyard *yard)
{
    uint64_t room = bytes_max(yard->fd), bytes = 0;
    time_t now_s = time(NULL);

    if (yard->count)
        qsort(yard->dead, yard->count, sizeof(*yard->dead), youngest_first);
    for (size_t i = 0; i < yard->count; i++) {
        const struct dead *dead = &yard->dead[i];

        bytes += dead->bytes;
        if (i >= PROCESS_PRUNE_COUNT_MAX || bytes > room ||
            now_s > dead->found_s + (time_t)SEGMENT_PRUNE_AGE_S)
            unlinkat(yard->fd, dead->name, 0);
    }
}

static void prune_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    struct graveyard yard = {.fd = fd};
    struct dirent *entry;

    if (!listing) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(listing)))
        look_at(&yard, entry->d_name);
    remove_old(&yard);
    free(yard.dead);
    closedir(listing);
}

void process_prune_old(const char *directory)
{
    struct segment_places places;

    if (segment_places_list(directory, &places) != 0)
        return;
    for (size_t i = 0; i < places.count; i++)
        prune_directory(places.directories[i]);
    segment_places_free(&places);
}

/* ---- one --------------------------------------------------------------- */

int process_prune_entry(const struct process_entry *entry)
{
    const char *slash = strrchr(entry->file, '/');
    char directory[PATH_MAX];
    struct segment_header header;
    struct stat status;
    int parent, fd, err = 0;

    snprintf(directory, sizeof(directory), "%.*s", (int)(slash - entry->file),
             entry->file);
    parent = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (parent < 0)
        return -errno;
    fd = open_dead(parent, slash + 1, &status, &header);
    if (fd < 0)
        err = fd;
    else if (unlinkat(parent, slash + 1, 0) != 0)
        err = -errno;
    if (fd >= 0)
        close(fd);
    close(parent);
    return err;
}
