/* SPDX-License-Identifier: MIT */
/* segment_prune.c - see segment_prune.h. */
#include "segment_prune.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "os.h"
#include "segment.h"
#include "text.h"

#define READ_ONLY 0400u

/* What getdents64 fills a buffer with. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length; /* of the whole entry */
    uint8_t type;
    char name[];
};

/* PID-STARTTIME, or .new-PID-RANDOM before it was published. */
static bool parse_name(const char *name, uint64_t *pid)
{
    uint64_t rest;

    if (strncmp(name, ".new-", 5) == 0)
        name += 5;
    return text_parse_number(&name, pid) == 0 && *name++ == '-' &&
           text_parse_number(&name, &rest) == 0 && !*name && *pid > 0 &&
           *pid <= INT32_MAX;
}

/* Reads the header of an open file. Returns whether it is the segment of that
 * process, in our namespace. */
static bool read_segment_of(int fd, uint64_t pid, struct segment_header *header)
{
    return os_read(fd, header, sizeof(*header)) == (long)sizeof(*header) &&
           memcmp(header->magic, SEGMENT_MAGIC, sizeof(header->magic)) == 0 &&
           header->version == SEGMENT_VERSION && header->pid == pid &&
           header->pid_namespace != 0 &&
           header->pid_namespace == os_pid_namespace();
}

static bool is_marked(const struct stat *status)
{
    return S_ISREG(status->st_mode) && (status->st_mode & 0777) == READ_ONLY;
}

static bool was_long_ago(const struct stat *status)
{
    return os_realtime_ns() / 1000000000u >
           (uint64_t)status->st_mtime + SEGMENT_PRUNE_AGE_S;
}

/* Nearly all there are: not even to be opened. */
static bool is_kept(int dir_fd, const char *name)
{
    struct stat status;

    return os_stat_at(dir_fd, name, &status) == 0 && is_marked(&status) &&
           !was_long_ago(&status);
}

/* Marks the open file of a dead process, or removes it when it was marked long
 * ago. Returns whether it was removed. */
static bool age(int dir_fd, const char *name, int fd)
{
    struct stat status;

    if (os_fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    if (!is_marked(&status)) {
        if (os_touch(fd) == 0)
            os_fchmod(fd, READ_ONLY);
        return false;
    }
    return was_long_ago(&status) && os_unlink_at(dir_fd, name) == 0;
}

static bool prune(int dir_fd, const char *name)
{
    static struct segment_header header;
    uint64_t pid;
    bool removed = false;
    int fd;

    if (!parse_name(name, &pid) || os_process_exists((int)pid) ||
        is_kept(dir_fd, name))
        return false;
    fd = os_open(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                 0);
    if (fd < 0)
        return false;
    if (read_segment_of(fd, pid, &header))
        removed = SEGMENT_IS_LEFT_OVER(&header)
                      ? os_unlink_at(dir_fd, name) == 0
                      : age(dir_fd, name, fd);
    os_close(fd);
    return removed;
}

void segment_prune(int dir_fd)
{
    static _Alignas(struct entry) char names[SEGMENT_PRUNE_NAMES_SIZE];
    long size = os_read_directory(dir_fd, names, sizeof(names));
    unsigned unlinks = 0;

    for (long at = 0; at < size && unlinks < SEGMENT_PRUNE_UNLINKS;) {
        const struct entry *entry = (const void *)(names + at);

        unlinks += prune(dir_fd, entry->name);
        at += entry->length;
    }
}
