/* SPDX-License-Identifier: MIT */
/*
 * list_main.c - preprof-list: the processes of this user that have a segment.
 *
 * Read next: process_list.h.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mode.h"
#include "option_error.h"
#include "process_list.h"
#include "quantity.h"
#include "segment_find.h"

static void write_row(const struct process_entry *entry)
{
    const struct segment_snapshot *snapshot = entry->snapshot;
    char mode[MODE_TEXT_SIZE], in_use[QUANTITY_SIZE], rss[QUANTITY_SIZE] = "-";

    mode_format(snapshot->header.mode, mode);
    quantity_bytes(snapshot->total.inuse_space, in_use);
    if (entry->memory.resident)
        quantity_bytes(entry->memory.resident, rss);
    printf("%7u  %-6s  %-12s %10s %10s %12" PRIu64 "  %s%s\n", entry->pid,
           segment_life_text(snapshot->life),
           snapshot->header.status == SEGMENT_OK ? mode : "bypassed", in_use,
           rss, snapshot->total.alloc_objects, snapshot->header.program,
           snapshot->header.parent_pid ? " (forked)" : "");
}

/* Returns how many could not be read. */
static unsigned write_list(const struct process_list *list)
{
    unsigned unreadable = 0;

    if (list->count)
        printf("%7s  %-6s  %-12s %10s %10s %12s  %s\n", "PID", "STATE", "MODE",
               "IN USE", "RSS", "ALLOCATIONS", "PROGRAM");
    for (size_t i = 0; i < list->count; i++) {
        char line[SEGMENT_ERROR_LINE_SIZE];

        if (list->entries[i].snapshot) {
            write_row(&list->entries[i]);
            continue;
        }
        unreadable++;
        segment_error_line(&list->entries[i].error, line, sizeof(line));
        fprintf(stderr, "preprof list: %s\n", line);
    }
    return unreadable;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    char directory[PATH_MAX], line[SEGMENT_ERROR_LINE_SIZE];
    struct process_list list;
    struct segment_error error;
    unsigned unreadable;
    int option;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        option_error("list", option, argv);
    if (optind != argc) {
        fprintf(stderr, "preprof list: it takes no arguments, and got '%s'\n",
                argv[optind]);
        return 2;
    }
    segment_directory(directory);
    if (process_list_read(directory, &list, &error) != 0) {
        segment_error_line(&error, line, sizeof(line));
        fprintf(stderr, "preprof list: %s\n", line);
        return 1;
    }
    if (!list.count)
        fprintf(stderr, "preprof list: no process of yours runs under the "
                        "shim\n");
    unreadable = write_list(&list);
    process_list_free(&list);
    return unreadable || ferror(stdout) ? 1 : 0;
}
