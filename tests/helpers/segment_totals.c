/* SPDX-License-Identifier: MIT */
/*
 * segment_totals.c - `segment_totals FILE...`: what libprofile reads of
 * segments or dumps, whole stacks included, a line each:
 *
 *   PROGRAM alloc_objects inuse_objects SINK_ALLOC_SPACE ALLOC_SPACE
 *
 * A file that cannot be read is one line on stderr and status 1.
 * Read next: tools/segment_read.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "segment_read.h"

static void print(const struct segment_snapshot *snapshot)
{
    uint64_t sinks = 0;

    for (uint32_t i = 1; i < SEGMENT_SINK_COUNT; i++)
        sinks += snapshot->values[i].alloc_space;
    printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
           snapshot->header.program, snapshot->total.alloc_objects,
           snapshot->total.inuse_objects, sinks, snapshot->total.alloc_space);
}

int main(int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++) {
        struct segment_snapshot *snapshot;
        struct segment_error error;
        char line[SEGMENT_ERROR_LINE_SIZE];

        if (segment_read(argv[i], SEGMENT_READ_STACKS, &snapshot, &error) < 0) {
            segment_error_line(&error, line, sizeof(line));
            fprintf(stderr, "segment_totals: %s\n", line);
            status = 1;
            continue;
        }
        print(snapshot);
        segment_snapshot_free(snapshot);
    }
    return status;
}
