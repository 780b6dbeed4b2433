/* SPDX-License-Identifier: MIT */
/*
 * list_main.c - preprof-list: the processes of this user that have a segment,
 * of all users for root; forked children below their parent, with the sum.
 *
 * Fits 80 columns. Removes what nobody has looked at for long. Read next:
 * process_list.h, process_prune.h.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loss.h"
#include "mode.h"
#include "option_error.h"
#include "process_list.h"
#include "process_prune.h"
#include "process_tree.h"
#include "quantity.h"

#define INDENT_MAX 8 /* columns; deeper ones are not told apart */

/* The columns of memory: what is counted, what the kernel says, the gap. */
static void write_memory(uint64_t in_use, uint64_t resident, bool live,
                         uint64_t alloc_rate)
{
    char column[QUANTITY_SIZE];

    quantity_bytes_narrow((int64_t)in_use, column);
    printf(" %7s", column);
    if (!live) {
        printf(" %7s %8s %9s", "-", "-", "-");
        return;
    }
    quantity_bytes_narrow((int64_t)resident, column);
    printf(" %7s", column);
    quantity_bytes_narrow((int64_t)(resident - in_use), column);
    printf(" %8s", column);
    quantity_bytes_narrow((int64_t)alloc_rate, column);
    printf(" %7s/s", column);
}

/* A process that records nothing has no numbers, but a reason. */
static void write_reason(const struct process_entry *entry)
{
    const struct segment_snapshot *snapshot = entry->snapshot;
    char reason[sizeof(snapshot->header.note) + 64];

    segment_status_text(&snapshot->header, reason, sizeof(reason));
    printf("%7u %-6s %-6s %s: %s\n", entry->pid,
           segment_life_text(snapshot->life), "none", snapshot->header.program,
           reason);
}

static void write_row(const struct process_entry *entry)
{
    const struct segment_snapshot *snapshot = entry->snapshot;
    bool live = process_entry_is_live(entry);
    char mode[MODE_TEXT_SIZE], uptime[QUANTITY_SIZE] = "-";
    char inherited[QUANTITY_SIZE];
    int indent = (int)(2 * entry->depth);

    mode_format(snapshot->header.mode, mode);
    if (live)
        quantity_duration(entry->uptime_ns, uptime);
    printf("%7u %-6s %-6s %6s", entry->pid, segment_life_text(snapshot->life),
           mode, uptime);
    write_memory(snapshot->total.inuse_space, entry->memory.resident, live,
                 entry->alloc_rate);
    if (live)
        printf(" %4" PRIu64, entry->memory.threads);
    else
        printf(" %4s", "-");
    printf(" %*s%s", indent < INDENT_MAX ? indent : INDENT_MAX, "",
           snapshot->header.program);
    if (snapshot->header.inherited_bytes) {
        quantity_bytes_narrow((int64_t)snapshot->header.inherited_bytes,
                              inherited);
        printf(" +%s", inherited);
    }
    if (loss_any_serious(snapshot->losses))
        fputs(" (not complete)", stdout);
    putchar('\n');
}

static void write_total(const struct process_entry *root)
{
    struct process_tree_total total;

    process_tree_sum(root, &total);
    printf("%7zu %-20s", root->tree_size, "processes in all");
    write_memory(total.in_use, total.resident, total.resident > 0,
                 total.alloc_rate);
    putchar('\n');
}

/* Returns how many could not be read. */
static unsigned write_list(const struct process_list *list)
{
    const struct process_entry *root = NULL;
    unsigned unreadable = 0;

    if (list->count)
        printf("%7s %-6s %-6s %6s %7s %7s %8s %9s %4s %s\n", "PID", "STATE",
               "MODE", "UPTIME", "IN USE", "RSS", "OTHER", "ALLOCATED", "THR",
               "PROGRAM");
    for (size_t i = 0; i < list->count; i++) {
        const struct process_entry *entry = &list->entries[i];
        char line[SEGMENT_ERROR_LINE_SIZE];

        if (entry->depth == 0)
            root = entry;
        if (entry->snapshot && entry->snapshot->header.status != SEGMENT_OK) {
            write_reason(entry);
        } else if (entry->snapshot) {
            write_row(entry);
        } else {
            unreadable++;
            segment_error_line(&entry->error, line, sizeof(line));
            fprintf(stderr, "preprof list: %s\n", line);
        }
        if (root->tree_size > 1 && entry == root + root->tree_size - 1)
            write_total(root);
    }
    return unreadable;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    char line[SEGMENT_ERROR_LINE_SIZE];
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
    process_prune_old(NULL);
    if (process_list_read(NULL, &list, &error) != 0) {
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
