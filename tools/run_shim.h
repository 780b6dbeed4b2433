/* SPDX-License-Identifier: MIT */
/*
 * run_shim.h - the shim beside this program, and what to write into LD_PRELOAD
 * for it. Read next: run_main.c.
 */
#ifndef PREPROF_RUN_SHIM_H
#define PREPROF_RUN_SHIM_H

#include <limits.h>

/* Writes the path of `name` in the directory this program is in. Returns 0 or
 * -errno, -ENOENT when there is no such file. */
int run_beside(const char *name, char path[PATH_MAX]);

/*
 * Writes the value of LD_PRELOAD: the shim, then what is there already. The
 * loader splits the value at spaces and colons and expands dollar signs, so a
 * shim at such a path is named by a symbolic link in `directory` (that of the
 * segments), which stays: children may be started after we are gone. The
 * caller frees *value. Returns 0, or -errno after a line on stderr.
 */
int run_shim_preload(const char *directory, char **value);

#endif
