/* SPDX-License-Identifier: MIT */
/* doctor_segment.c - see doctor_segment.h. */
#include "doctor_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "coverage.h"
#include "doctor_symbols.h"
#include "finding.h"
#include "loss.h"
#include "mode.h"
#include "process_list.h"
#include "quantity.h"
#include "segment_modules.h"

/* Sinks hold what has no stack; above this part of all bytes it shows. */
#define SINK_PART_MAX 1000

static void check_life(const struct segment_snapshot *snapshot)
{
    const struct segment_header *header = &snapshot->header;
    char start[QUANTITY_SIZE];

    quantity_time(header->created_ns, start);
    finding_write(FINDING_OK, NULL, "%s, pid %u, started %s, %s, malloc of %s",
                  header->program, header->pid, start,
                  segment_life_text(snapshot->life),
                  header->allocator[0] ? header->allocator : "nobody yet");
    if (header->parent_pid)
        finding_write(FINDING_NOTE, NULL,
                      "forked from process %u: %" PRIu64 " bytes of its in-use "
                      "were inherited and are not in this profile",
                      header->parent_pid, header->inherited_bytes);
}

static void check_mode(const struct segment_snapshot *snapshot)
{
    const struct segment_header *header = &snapshot->header;
    char mode[MODE_TEXT_SIZE], coverage[COVERAGE_TEXT_SIZE], reason[512];

    mode_format(header->mode, mode);
    if (header->status != SEGMENT_OK) {
        segment_status_text(header, reason, sizeof(reason));
        finding_write(FINDING_WRONG,
                      "Link the program to a shared malloc, or to none.",
                      "nothing is recorded: %s", reason);
    } else if (!header->recording_ns &&
               SEGMENT_MODE_OF(header->mode) == SEGMENT_MODE_OFF) {
        finding_write(
            FINDING_WRONG,
            "Start it with --mode exact, or switch it on: preprof ctl "
            "PID exact.",
            "nothing is recorded: the mode is off");
    } else if (!header->recording_ns) {
        finding_write(FINDING_NOTE, NULL,
                      "nothing was allocated yet; the mode is %s", mode);
    } else {
        coverage_text(header, coverage);
        finding_write(coverage_is_whole(header) ? FINDING_OK : FINDING_NOTE,
                      NULL, "mode %s, recording %s", mode, coverage);
    }
}

static void check_counts(const struct segment_snapshot *snapshot)
{
    char allocations[QUANTITY_SIZE], in_use[QUANTITY_SIZE];
    char peak[QUANTITY_SIZE];
    uint64_t sinks = 0;

    quantity_count(snapshot->total.alloc_objects, "allocation", allocations);
    quantity_bytes(snapshot->total.inuse_space, in_use);
    quantity_bytes(snapshot->total.peak_space, peak);
    finding_write(FINDING_OK, NULL,
                  "%s from %" PRIu32 " callsites, %s in use, %s at the peak",
                  allocations, snapshot->recorded, in_use, peak);
    for (uint32_t id = 1;
         id < SEGMENT_SINK_COUNT && id < snapshot->callsite_count; id++)
        sinks += snapshot->values[id].alloc_space;
    if (sinks > snapshot->total.alloc_space / SINK_PART_MAX)
        finding_write(FINDING_WRONG, NULL,
                      "%" PRIu64 " of %" PRIu64 " bytes have no stack", sinks,
                      snapshot->total.alloc_space);
}

static void check_losses(const struct segment_snapshot *snapshot)
{
    for (unsigned i = 0; i < SEGMENT_LOSS_COUNT; i++)
        if (snapshot->losses[i])
            finding_write(loss_is_serious(i) ? FINDING_WRONG : FINDING_NOTE,
                          loss_advice(i), "%" PRIu64 " %s", snapshot->losses[i],
                          loss_text(i));
}

static void check_symbols(const struct segment_snapshot *snapshot)
{
    struct symbolizer *symbolizer = symbolizer_new();

    for (uint32_t i = 0; symbolizer && i < snapshot->module_count; i++) {
        const struct segment_module *module = &snapshot->modules[i];
        char *path = module->end ? segment_module_path(snapshot, module) : NULL;
        struct symbol_module_key key;

        if (!path)
            continue;
        key = segment_module_key(snapshot, module, path);
        doctor_symbols(symbolizer, &key, module->flags & SEGMENT_MODULE_MAIN);
        free(path);
    }
    symbolizer_free(symbolizer);
}

void doctor_segment(const char *path)
{
    char line[SEGMENT_ERROR_LINE_SIZE];
    struct segment_snapshot *snapshot;
    struct segment_error error;

    if (segment_read(path, SEGMENT_READ_STACKS, &snapshot, &error) != 0) {
        segment_error_line(&error, line, sizeof(line));
        finding_write(FINDING_WRONG, NULL, "%s", line);
        return;
    }
    check_life(snapshot);
    check_mode(snapshot);
    check_counts(snapshot);
    check_losses(snapshot);
    check_symbols(snapshot);
    segment_snapshot_free(snapshot);
}
