/* SPDX-License-Identifier: MIT */
/* run_shim.c - see run_shim.h. */
#include "run_shim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHIM_NAME "libpreprof.so"

int run_beside(const char *name, char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *end;

    if (length < 0)
        return -errno;
    path[length] = '\0';
    end = strrchr(path, '/') + 1;
    if (snprintf(end, (size_t)(path + PATH_MAX - end), "%s", name) >=
        path + PATH_MAX - end)
        return -ENAMETOOLONG;
    return access(path, R_OK) == 0 ? 0 : -errno;
}

/* What the loader would read as more than, or other than, one path. */
static const char *find_split(const char *path)
{
    return strpbrk(path, ": \t$");
}

/* Makes path a link to the shim at `target`, whatever was there. */
static int link_shim(const char *target, const char *path)
{
    char temporary[PATH_MAX];
    int err = 0;

    if (snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid()) >=
        (int)sizeof(temporary))
        return -ENAMETOOLONG;
    if (symlink(target, temporary) != 0)
        return -errno;
    if (rename(temporary, path) != 0) {
        err = -errno;
        unlink(temporary);
    }
    return err;
}

/* Writes a name for the shim without characters that the loader minds. The
 * file's identity is in it, so that several builds do not take turns. */
static int find_name(const char *shim, const char *directory,
                     char name[PATH_MAX])
{
    struct stat status;
    int err = -ENAMETOOLONG;

    if (!find_split(shim)) {
        snprintf(name, PATH_MAX, "%s", shim);
        return 0;
    }
    if (find_split(directory)) {
        fprintf(stderr,
                "preprof: the loader splits LD_PRELOAD at spaces and colons, "
                "and both paths have one:\n  %s\n  %s\n",
                shim, directory);
        return -EINVAL;
    }
    if (stat(shim, &status) == 0 &&
        snprintf(name, PATH_MAX, "%s/.shim-%lx-%lx.so", directory,
                 (unsigned long)status.st_dev,
                 (unsigned long)status.st_ino) < PATH_MAX)
        err = link_shim(shim, name);
    if (err)
        fprintf(stderr, "preprof: no link to %s in %s: %s\n", shim, directory,
                strerror(-err));
    return err;
}

int run_shim_preload(const char *directory, char **value)
{
    const char *others = getenv("LD_PRELOAD");
    char shim[PATH_MAX], name[PATH_MAX];
    int err = run_beside(SHIM_NAME, shim);

    if (err) {
        fprintf(stderr, "preprof: %s: %s; run make\n", shim, strerror(-err));
        return err;
    }
    err = find_name(shim, directory, name);
    if (err)
        return err;
    if (asprintf(value, "%s%s%s", name, others && *others ? ":" : "",
                 others ? others : "") < 0)
        return -ENOMEM;
    return 0;
}
