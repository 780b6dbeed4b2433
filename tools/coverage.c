/* SPDX-License-Identifier: MIT */
/* coverage.c - see coverage.h. */
#include "coverage.h"

#include <stdio.h>

#include "quantity.h"

/* A program that has recorded nothing for so long was switched on late. */
#define LATE_NS UINT64_C(1000000000)

static bool used(const struct segment_header *header, enum segment_mode mode)
{
    return header->modes_used & (1u << mode);
}

static bool is_late(const struct segment_header *header)
{
    return header->created_ns &&
           header->recording_ns > header->created_ns + LATE_NS;
}

static bool is_mixed(const struct segment_header *header)
{
    return used(header, SEGMENT_MODE_SAMPLE) &&
           used(header, SEGMENT_MODE_EXACT);
}

bool coverage_is_whole(const struct segment_header *header)
{
    return header->recording_ns && !is_late(header) && !is_mixed(header) &&
           !used(header, SEGMENT_MODE_OFF);
}

void coverage_text(const struct segment_header *header,
                   char text[COVERAGE_TEXT_SIZE])
{
    bool off = SEGMENT_MODE_OF(header->mode) == SEGMENT_MODE_OFF;
    char since[QUANTITY_SIZE], late[QUANTITY_SIZE + 24] = "";

    if (!header->recording_ns) {
        snprintf(text, COVERAGE_TEXT_SIZE, "nothing yet");
        return;
    }
    quantity_time(header->recording_ns, since);
    if (is_late(header)) {
        char delay[QUANTITY_SIZE];

        quantity_duration(header->recording_ns - header->created_ns, delay);
        snprintf(late, sizeof(late), ", %s after the start", delay);
    }
    snprintf(text, COVERAGE_TEXT_SIZE, "since %s%s%s%s", since, late,
             is_mixed(header) ? "; partly sampled, partly exact" : "",
             !used(header, SEGMENT_MODE_OFF) ? ""
             : off                           ? "; off now"
                                             : "; off in between");
}
