/* SPDX-License-Identifier: MIT */
/*
 * program_check.h - can this program be profiled, and if not, why.
 *
 * Asked before a program starts, because afterwards there is only an empty
 * profile: the loader says nothing when it ignores LD_PRELOAD. It must never
 * run what it looks at. Read next: elf_check.h.
 */
#ifndef PREPROF_PROGRAM_CHECK_H
#define PREPROF_PROGRAM_CHECK_H

#include <limits.h>
#include <stdbool.h>

#include "elf_check.h"

#define PROGRAM_SCRIPTS_MAX                                                    \
    4 /* interpreters of interpreters, as the kernel   \
                               */

struct program_check {
    char path[PATH_MAX]; /* the file that decides: of a script, what runs it */
    struct elf_facts facts; /* of that file */
    bool fits;
    bool refuses;       /* preloading would even keep it from starting */
    char reason[160];   /* why it does not fit, as "PATH: reason"; else "" */
    const char *advice; /* what to do then; else NULL */
};

/*
 * Finds a program as execvp() does, by PATH unless the name has a slash.
 * Returns 0; -ENOENT when there is none, -EACCES when it is not executable,
 * -ENAMETOOLONG.
 */
int program_find(const char *name, char path[PATH_MAX]);

/*
 * Looks at the program at `path`, for a start by this process. Returns 0 and
 * the verdict, or -errno when a file, then named in check->path, cannot be
 * read or is neither a program nor a script.
 */
int program_check(const char *path, struct program_check *check);

#endif
