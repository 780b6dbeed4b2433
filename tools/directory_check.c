/* SPDX-License-Identifier: MIT */
/* directory_check.c - see directory_check.h. */
#include "directory_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "segment.h"

/* The least the shim makes a segment of, and the part of the free space that
 * one may take (shim/segment_file.h). */
#define SIZE_MIN  (SEGMENT_EXTENTS_OFFSET + 8 * SEGMENT_EXTENT_SIZE)
#define FREE_PART 8

int directory_check(const char *directory, char *reason, size_t size)
{
    struct statvfs filesystem;
    struct rlimit limit;
    struct stat status;

    if ((mkdir(directory, 0700) != 0 && errno != EEXIST) ||
        lstat(directory, &status) != 0 ||
        statvfs(directory, &filesystem) != 0) {
        int err = errno;

        snprintf(reason, size, "%s", strerror(err));
        return -err;
    }
    if (!S_ISDIR(status.st_mode)) {
        snprintf(reason, size, "not a directory");
        return -ENOTDIR;
    }
    if (status.st_uid != geteuid()) {
        snprintf(reason, size, "belongs to another user");
        return -EPERM;
    }
    if (status.st_mode & 022) {
        snprintf(reason, size, "others can write there; chmod 700");
        return -EPERM;
    }
    if (filesystem.f_bavail * filesystem.f_frsize / FREE_PART < SIZE_MIN) {
        snprintf(reason, size, "no room: less than %u KiB are free",
                 SIZE_MIN * FREE_PART / 1024);
        return -ENOSPC;
    }
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < SIZE_MIN) {
        snprintf(reason, size, "ulimit -f is below %u KiB", SIZE_MIN / 1024);
        return -EFBIG;
    }
    return 0;
}
