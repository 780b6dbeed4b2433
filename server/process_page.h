/* SPDX-License-Identifier: MIT */
/* process_page.h - the page at /pid/: every process that has a profile. */
#ifndef PREPROF_PROCESS_PAGE_H
#define PREPROF_PROCESS_PAGE_H

#include <stddef.h>

/*
 * Makes the page of the answer `list` (JSON, see render.h). Returns 0, and
 * *page is the caller's; -EINVAL when it is no such JSON, or -ENOMEM.
 */
int process_page(const char *list, size_t size, char **page, size_t *page_size);

#endif
