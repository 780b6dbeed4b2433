/* SPDX-License-Identifier: MIT */
/*
 * process_list.h - the processes that have a segment in a directory.
 *
 * Read next: segment_read.h.
 */
#ifndef PREPROF_PROCESS_LIST_H
#define PREPROF_PROCESS_LIST_H

#include <stddef.h>

#include "process_memory.h"
#include "segment_read.h"

struct process_entry {
    char *file;
    uint32_t pid;                      /* from the file's name */
    struct segment_snapshot *snapshot; /* totals only; NULL: see error */
    struct segment_error error;
    struct process_memory memory; /* status only; 0 when it has ended */
};

struct process_list {
    struct process_entry *entries; /* by pid, then by start */
    size_t count;
};

/*
 * Reads all segments of a directory; one that cannot be read is an entry with
 * an error. A directory that is missing has none. Returns 0, or -errno with
 * *error filled. The caller frees the list with process_list_free().
 */
int process_list_read(const char *directory, struct process_list *list,
                      struct segment_error *error);

void process_list_free(struct process_list *list);

/* "live", "exited" or "killed". */
const char *segment_life_text(enum segment_life life);

/* "ok", or why a process records nothing or too little, with its object. */
void segment_status_text(const struct segment_header *header, char *text,
                         size_t size);

#endif
