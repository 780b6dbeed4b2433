/* SPDX-License-Identifier: MIT */
/*
 * pprof_index.h - the page at /debug/pprof/, in the shape that tools read.
 *
 * Rows are for what is served, sorted by name; links are relative, so that the
 * page works behind a proxy's prefix and below /pid/N.
 */
#ifndef PREPROF_PPROF_INDEX_H
#define PREPROF_PPROF_INDEX_H

#include <stddef.h>

/*
 * Makes the page of the answer `counts` (JSON, see render.h). Returns 0, and
 * *page is the caller's; -EINVAL when it is no such JSON, or -ENOMEM.
 */
int pprof_index_page(const char *counts, size_t size, char **page,
                     size_t *page_size);

#endif
