/* SPDX-License-Identifier: MIT */
/* render_json.c - see render_json.h. */
#include "render_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "loss.h"
#include "mode.h"
#include "printable.h"
#include "process_memory.h"
#include "process_memstats.h"
#include "process_tree.h"
#include "profile_kind.h"
#include "quantity.h"
#include "render_symbol.h"

/* ---- pieces ------------------------------------------------------------ */

static json_t *count(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Text of others: made valid UTF-8 first. */
static json_t *text(const char *from)
{
    char *clean = strdup(from);
    json_t *value;

    if (!clean)
        return NULL;
    printable_clean(clean, strlen(clean));
    value = json_string(clean);
    free(clean);
    return value;
}

static json_t *mode_of(const struct segment_header *header)
{
    char mode[MODE_TEXT_SIZE];

    mode_format(header->mode, mode);
    return json_string(mode);
}

/* null when it never was. */
static json_t *time_of(uint64_t time_ns)
{
    char time[QUANTITY_SIZE];

    if (!time_ns)
        return json_null();
    quantity_time(time_ns, time);
    return json_string(time);
}

static json_t *coverage_of(const struct segment_header *header)
{
    char coverage[COVERAGE_TEXT_SIZE];

    coverage_text(header, coverage);
    return json_string(coverage);
}

static json_t *losses_of(const struct segment_snapshot *snapshot)
{
    json_t *losses = json_object();

    for (unsigned i = 0; i < SEGMENT_LOSS_COUNT; i++)
        if (snapshot->losses[i])
            json_object_set_new(losses, loss_text(i),
                                count(snapshot->losses[i]));
    return losses;
}

static json_t *status_of(const struct segment_header *header)
{
    char status[512];

    segment_status_text(header, status, sizeof(status));
    return json_string(status);
}

/* Writes and releases it. */
static int write_json(json_t *value, size_t flags, FILE *out)
{
    int err = value && json_dumpf(value, out, flags | JSON_SORT_KEYS) == 0
                  ? 0
                  : -ENOMEM;

    json_decref(value);
    return err;
}

/* ---- list -------------------------------------------------------------- */

/* What a process and all below it are together. */
static json_t *tree_of(const struct process_entry *root)
{
    struct process_tree_total total;
    json_t *object = json_object();

    process_tree_sum(root, &total);
    json_object_set_new(object, "processes", count(root->tree_size));
    json_object_set_new(object, "in_use", count(total.in_use));
    json_object_set_new(object, "rss", count(total.resident));
    json_object_set_new(object, "alloc_rate", count(total.alloc_rate));
    return object;
}

static json_t *entry_of(const struct process_entry *entry)
{
    const struct segment_snapshot *snapshot = entry->snapshot;
    json_t *object = json_object();
    const struct segment_header *header;

    json_object_set_new(object, "pid", count(entry->pid));
    json_object_set_new(object, "file", text(entry->file));
    json_object_set_new(object, "depth", count(entry->depth));
    if (!snapshot) {
        char line[SEGMENT_ERROR_LINE_SIZE];

        segment_error_line(&entry->error, line, sizeof(line));
        json_object_set_new(object, "state", json_string("unknown"));
        json_object_set_new(object, "error", text(line));
        return object;
    }
    header = &snapshot->header;
    json_object_set_new(object, "state",
                        json_string(segment_life_text(snapshot->life)));
    json_object_set_new(object, "parent_pid", count(header->parent_pid));
    json_object_set_new(object, "inherited", count(header->inherited_bytes));
    json_object_set_new(object, "uid", count(header->uid));
    json_object_set_new(object, "program", text(header->program));
    json_object_set_new(object, "executable", text(header->executable));
    json_object_set_new(object, "start", time_of(header->created_ns));
    json_object_set_new(object, "mode", mode_of(header));
    json_object_set_new(object, "since", time_of(header->recording_ns));
    json_object_set_new(object, "status", status_of(header));
    json_object_set_new(object, "in_use", count(snapshot->total.inuse_space));
    json_object_set_new(object, "in_use_objects",
                        count(snapshot->total.inuse_objects));
    json_object_set_new(object, "allocs", count(snapshot->total.alloc_objects));
    json_object_set_new(object, "alloc_space",
                        count(snapshot->total.alloc_space));
    json_object_set_new(object, "rss", count(entry->memory.resident));
    json_object_set_new(object, "threads", count(entry->memory.threads));
    json_object_set_new(object, "uptime", count(entry->uptime_ns / 1000000000));
    json_object_set_new(object, "alloc_rate", count(entry->alloc_rate));
    json_object_set_new(object, "losses", losses_of(snapshot));
    json_object_set_new(object, "complete",
                        json_boolean(!loss_any_serious(snapshot->losses)));
    if (entry->depth == 0 && entry->tree_size > 1)
        json_object_set_new(object, "tree", tree_of(entry));
    return object;
}

int render_json_list(const struct process_list *list, FILE *out)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, entry_of(&list->entries[i]));
    return write_json(array, JSON_INDENT(1), out);
}

/* ---- counts ------------------------------------------------------------ */

static uint32_t count_peaks(const struct segment_snapshot *snapshot)
{
    uint32_t peaks = 0;

    for (uint32_t i = 1; i < snapshot->callsite_count; i++)
        peaks += snapshot->values[i].peak_objects != 0;
    return peaks;
}

/* How many samples the profile of a kind has. */
static uint32_t count_of(const struct segment_snapshot *snapshot,
                         const struct profile_kind *kind)
{
    if (profile_kind_is_peak(kind))
        return count_peaks(snapshot);
    return profile_kind_is_heap(kind) ? snapshot->recorded
                                      : snapshot->event_callsites[kind->event];
}

int render_json_counts(const struct segment_snapshot *snapshot, FILE *out)
{
    struct process_memory memory = {.threads = 0};
    json_t *object = json_object();

    if (snapshot->life == SEGMENT_LIFE_LIVE)
        (void)process_memory_read_status(snapshot->header.pid, &memory);
    for (size_t i = 0; i < profile_kind_count; i++)
        json_object_set_new(object, profile_kinds[i].name,
                            count(count_of(snapshot, &profile_kinds[i])));
    json_object_set_new(object, "goroutine", count(memory.threads));
    return write_json(object, 0, out);
}

/* ---- vars -------------------------------------------------------------- */

/* argv as an array, from argv joined by NULs. */
static json_t *cmdline_of(const struct segment_snapshot *snapshot)
{
    json_t *array = json_array();
    char *joined = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&joined, &size);

    if (out) {
        render_cmdline_write(snapshot, out);
        fclose(out);
    }
    for (size_t i = 0; joined && i < size; i += strlen(joined + i) + 1)
        json_array_append_new(array, text(joined + i));
    free(joined);
    return array;
}

static json_t *preprof_of(const struct segment_snapshot *snapshot,
                          const struct process_memstats *stats)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", mode_of(&snapshot->header));
    json_object_set_new(object, "since",
                        time_of(snapshot->header.recording_ns));
    json_object_set_new(object, "coverage", coverage_of(&snapshot->header));
    json_object_set_new(object, "status", status_of(&snapshot->header));
    json_object_set_new(object, "estimated", process_memstats_estimated(stats));
    json_object_set_new(object, "heap_alloc_plus_minus",
                        count(stats->plus_minus));
    json_object_set_new(object, "resident", count(stats->resident));
    json_object_set_new(object, "losses", losses_of(snapshot));
    return object;
}

/* One variable a line, as expvar does. */
static int write_variable(const char *head, json_t *value, FILE *out)
{
    fputs(head, out);
    return write_json(value, JSON_COMPACT, out);
}

int render_json_vars(const struct segment_snapshot *snapshot, FILE *out)
{
    struct process_memstats stats;
    int err;

    process_memstats_read(snapshot, &stats);
    err = write_variable("{\n\"cmdline\": ", cmdline_of(snapshot), out);
    if (!err)
        err = write_variable(",\n\"memstats\": ", process_memstats_json(&stats),
                             out);
    if (!err)
        err = write_variable(",\n\"preprof\": ", preprof_of(snapshot, &stats),
                             out);
    fputs("\n}\n", out);
    return err;
}
