/* SPDX-License-Identifier: MIT */
/*
 * preload.h - the server starts itself under the shim.
 *
 * A server that was started without libpreprof.so executes itself once more
 * with it, in exact mode unless PREPROF_MODE says otherwise, and keeps what
 * else is preloaded.
 */
#ifndef PREPROF_PRELOAD_H
#define PREPROF_PRELOAD_H

/*
 * Call before anything is opened. Returns NULL when the shim is here; else
 * why it cannot be, a line that stays valid. `directory`: of segments, or
 * NULL.
 */
const char *preload_self(char **arguments, const char *directory);

/* Makes `path` that of the file `name` beside this program; 0 or -errno. */
int preload_beside(const char *name, char *path, unsigned long size);

#endif
