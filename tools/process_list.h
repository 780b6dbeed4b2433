/* SPDX-License-Identifier: MIT */
/*
 * process_list.h - the processes that have a segment, and what is said of them.
 *
 * Read next: process_tree.h (their order), segment_places.h, segment_read.h.
 */
#ifndef PREPROF_PROCESS_LIST_H
#define PREPROF_PROCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "process_memory.h"
#include "segment_read.h"

struct process_entry {
    char *file;
    uint32_t pid;                      /* from the file's name */
    struct segment_snapshot *snapshot; /* totals only; NULL: see error */
    struct segment_error error;
    struct process_memory memory; /* status only; 0 when it has ended */
    uint64_t uptime_ns;  /* since the program began; 0 when it has ended */
    uint64_t alloc_rate; /* bytes a second, the mean since recording began; 0
                            when it has ended */
    unsigned depth;      /* below those it was forked from */
    size_t tree_size;    /* entries from this one on: it and all below it */
};

struct process_list {
    struct process_entry *entries; /* in the order of process_tree.h */
    size_t count;
};

/*
 * Reads all segments of a directory, or with NULL of all of segment_places.h;
 * one that cannot be read is an entry with an error. A directory that is
 * missing has none. Returns 0, or -errno with *error filled. The caller frees
 * the list with process_list_free().
 */
int process_list_read(const char *directory, struct process_list *list,
                      struct segment_error *error);

void process_list_free(struct process_list *list);

static inline bool process_entry_is_live(const struct process_entry *entry)
{
    return entry->snapshot && entry->snapshot->life == SEGMENT_LIFE_LIVE;
}

/* "live", "execed", "exited", "killed" or "elsewhere". */
const char *segment_life_text(enum segment_life life);

/* "ok", or why a process records nothing or too little, with its object. */
void segment_status_text(const struct segment_header *header, char *text,
                         size_t size);

#endif
