/* SPDX-License-Identifier: MIT */
/* process_list.c - see process_list.h. */
#include "process_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "printable.h"
#include "process_tree.h"
#include "segment_find.h"
#include "segment_places.h"

const char *segment_life_text(enum segment_life life)
{
    static const char *const texts[] = {
        [SEGMENT_LIFE_LIVE] = "live",
        [SEGMENT_LIFE_EXECED] = "execed",
        [SEGMENT_LIFE_EXITED] = "exited",
        [SEGMENT_LIFE_KILLED] = "killed",
        [SEGMENT_LIFE_ELSEWHERE] = "elsewhere",
    };

    return texts[life];
}

void segment_status_text(const struct segment_header *header, char *text,
                         size_t size)
{
    const char *reason = "records nothing for a reason unknown here";

    switch ((enum segment_status)header->status) {
    case SEGMENT_OK:
        reason = "ok";
        break;
    case SEGMENT_BYPASSED:
        reason = "malloc is another object's";
        break;
    case SEGMENT_MIXED:
        reason = "malloc and free are different objects'";
        break;
    case SEGMENT_SANITIZER:
        reason = "a sanitizer or valgrind owns the heap";
        break;
    }
    snprintf(text, size, "%s%s%s", reason, header->note[0] ? ": " : "",
             header->note);
    printable_clean(text, strlen(text));
}

/* Of a live process. */
static void read_pace(struct process_entry *entry)
{
    const struct segment_snapshot *snapshot = entry->snapshot;
    const struct segment_header *header = &snapshot->header;
    uint64_t now_ns = snapshot->taken_ns;

    if (header->created_ns && header->created_ns < now_ns)
        entry->uptime_ns = now_ns - header->created_ns;
    if (header->recording_ns && header->recording_ns < now_ns)
        entry->alloc_rate =
            (uint64_t)((double)snapshot->total.alloc_space * 1e9 /
                       (double)(now_ns - header->recording_ns));
}

static void read_entry(struct process_entry *entry)
{
    if (segment_read(entry->file, SEGMENT_READ_TOTALS, &entry->snapshot,
                     &entry->error) != 0) {
        entry->snapshot = NULL;
        return;
    }
    printable_clean(entry->snapshot->header.program,
                    strlen(entry->snapshot->header.program));
    if (!process_entry_is_live(entry))
        return;
    process_memory_read_status(entry->pid, &entry->memory);
    read_pace(entry);
}

static int add_entry(struct process_list *list, const char *directory,
                     const char *name, uint32_t pid)
{
    struct process_entry *grown =
        realloc(list->entries, (list->count + 1) * sizeof(*grown));
    struct process_entry *entry;

    if (!grown)
        return -ENOMEM;
    list->entries = grown;
    entry = &grown[list->count];
    *entry = (struct process_entry){.pid = pid};
    if (asprintf(&entry->file, "%s/%s", directory, name) < 0)
        return -ENOMEM;
    list->count++;
    read_entry(entry);
    /* Gone since it was listed: its process has ended. */
    if (!entry->snapshot && entry->error.offset == SEGMENT_ERROR_NOWHERE &&
        access(entry->file, F_OK) != 0) {
        free(entry->file);
        list->count--;
    }
    return 0;
}

static int read_directory(const char *directory, struct process_list *list)
{
    DIR *listing = opendir(directory);
    struct dirent *entry;
    int err = 0;

    if (!listing)
        return errno == ENOENT ? 0 : -errno;
    while (!err && (entry = readdir(listing))) {
        uint64_t start_time;
        uint32_t pid;

        if (segment_name_parse(entry->d_name, &pid, &start_time))
            err = add_entry(list, directory, entry->d_name, pid);
    }
    closedir(listing);
    return err;
}

int process_list_read(const char *directory, struct process_list *list,
                      struct segment_error *error)
{
    struct segment_places places;
    int err = segment_places_list(directory, &places);

    *list = (struct process_list){NULL, 0};
    segment_error_begin(error, err ? "" : places.directories[0]);
    for (size_t i = 0; !err && i < places.count; i++) {
        err = read_directory(places.directories[i], list);
        if (err)
            segment_error_begin(error, places.directories[i]);
    }
    segment_places_free(&places);
    if (!err)
        err = process_tree_order(list);
    if (!err)
        return 0;
    process_list_free(list);
    return segment_error_set(error, err, SEGMENT_ERROR_NOWHERE, "%s",
                             strerror(-err));
}

void process_list_free(struct process_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].file);
        segment_snapshot_free(list->entries[i].snapshot);
    }
    free(list->entries);
    *list = (struct process_list){NULL, 0};
}
