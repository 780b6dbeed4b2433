/* SPDX-License-Identifier: MIT */
/*
 * prune_main.c - preprof-prune: removes the profiles of dead processes now.
 *
 * One line for each that is removed, so that what is gone is known. Never
 * touches one whose process may be alive. Read next: process_prune.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "option_error.h"
#include "process_list.h"
#include "process_prune.h"
#include "quantity.h"

/* Returns whether it is gone, or was not to be removed. */
static bool prune(const struct process_entry *entry)
{
    const struct segment_snapshot *snapshot = entry->snapshot;
    char line[SEGMENT_ERROR_LINE_SIZE], in_use[QUANTITY_SIZE];
    int err;

    if (!snapshot) {
        segment_error_line(&entry->error, line, sizeof(line));
        fprintf(stderr, "preprof prune: kept: %s\n", line);
        return false;
    }
    if (snapshot->life == SEGMENT_LIFE_LIVE ||
        snapshot->life == SEGMENT_LIFE_EXECED ||
        snapshot->life == SEGMENT_LIFE_ELSEWHERE)
        return true;
    err = process_prune_entry(entry);
    if (err == -EBUSY || err == -ENOENT)
        return true;
    if (err) {
        fprintf(stderr, "preprof prune: %s: %s\n", entry->file, strerror(-err));
        return false;
    }
    quantity_bytes(snapshot->total.inuse_space, in_use);
    printf("removed %s, pid %u, %s, %s in use\n", snapshot->header.program,
           entry->pid, segment_life_text(snapshot->life), in_use);
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    char line[SEGMENT_ERROR_LINE_SIZE];
    struct process_list list;
    struct segment_error error;
    bool good = true;
    int option;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        option_error("prune", option, argv);
    if (optind != argc) {
        fprintf(stderr, "preprof prune: it takes no arguments, and got '%s'\n",
                argv[optind]);
        return 2;
    }
    if (process_list_read(NULL, &list, &error) != 0) {
        segment_error_line(&error, line, sizeof(line));
        fprintf(stderr, "preprof prune: %s\n", line);
        return 1;
    }
    for (size_t i = 0; i < list.count; i++)
        good &= prune(&list.entries[i]);
    process_list_free(&list);
    return good && !ferror(stdout) ? 0 : 1;
}
