/* SPDX-License-Identifier: MIT */
/*
 * render_symbol.h - /debug/pprof/symbol and cmdline of one process.
 *
 * The formats are Go's (net/http/pprof.Symbol and Cmdline), which pprof and
 * gperftools' scripts read.
 */
#ifndef PREPROF_RENDER_SYMBOL_H
#define PREPROF_RENDER_SYMBOL_H

#include <stdio.h>

#include "segment_read.h"
#include "symbolize.h"

/*
 * Writes a head, then "0xADDRESS NAME" for each address that has a name.
 * `text` is addresses joined by '+', each an integer with an optional base
 * prefix, as Go reads one; words that are none are skipped. The snapshot was
 * read with SEGMENT_READ_STACKS. Returns 0 or -ENOMEM.
 */
int render_symbol_write(const struct segment_snapshot *snapshot,
                        struct symbolizer *symbolizer, const char *text,
                        FILE *out);

/* Writes argv joined by NULs, without one at the end; of a process that has
 * ended, its executable's path. Returns 0 or -EIO. */
int render_cmdline_write(const struct segment_snapshot *snapshot, FILE *out);

#endif
