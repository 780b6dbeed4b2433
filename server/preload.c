/* SPDX-License-Identifier: MIT */
/* preload.c - see preload.h. */
#include "preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preprof.h"

#define SHIM_NAME "libpreprof.so"

/* Set in the second life, so that there is no third. */
#define GUARD "PREPROF_SERVER_PRELOADED"

static char reason[PATH_MAX + 128];

int preload_beside(const char *name, char *path, unsigned long size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    char *slash;

    if (length < 0)
        return -errno;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash || strlen(name) >= size - (size_t)(slash + 1 - path))
        return -ENAMETOOLONG;
    strcpy(slash + 1, name);
    return 0;
}

static const char *because(const char *what, const char *detail)
{
    snprintf(reason, sizeof(reason), "no profile of this server: %s%s", what,
             detail);
    return reason;
}

static const char *execute(char **arguments, const char *shim,
                           const char *directory)
{
    const char *others = getenv("LD_PRELOAD");
    char self[PATH_MAX];
    char *preload;
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length < 0)
        return because("/proc/self/exe: ", strerror(errno));
    self[length] = '\0';
    if (asprintf(&preload, "%s%s%s", shim, others && *others ? ":" : "",
                 others ? others : "") < 0)
        return because("out of memory", "");
    if (setenv("LD_PRELOAD", preload, 1) != 0 ||
        setenv("PREPROF_MODE", "exact", 0) != 0 ||
        (directory && setenv("PREPROF_DIR", directory, 1) != 0) ||
        setenv(GUARD, "1", 1) != 0)
        return because("out of memory", "");
    execv(self, arguments);
    return because("starting again with it failed: ", strerror(errno));
}

const char *preload_self(char **arguments, const char *directory)
{
    static char shim[PATH_MAX];
    struct preprof_memstats stats;
    int error = preload_beside(SHIM_NAME, shim, sizeof(shim));
    const char *again = getenv(GUARD);

    (void)unsetenv(GUARD); /* a child of ours is not a third life */
    if (preprof_read_memstats(&stats) == 0)
        return NULL;
    if (error)
        return because("/proc/self/exe: ", strerror(-error));
    if (access(shim, R_OK) != 0)
        return because("there is no ", shim);
    if (again)
        return because("the loader did not load ", shim);
    if (strpbrk(shim, ": "))
        return because("the loader splits LD_PRELOAD at spaces and colons, "
                       "so this path cannot be preloaded: ",
                       shim);
    return execute(arguments, shim, directory);
}
