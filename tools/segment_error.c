/* SPDX-License-Identifier: MIT */
/* segment_error.c - see segment_error.h. */
#include "segment_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "printable.h"

void segment_error_begin(struct segment_error *error, const char *path)
{
    snprintf(error->path, sizeof(error->path), "%s", path);
    error->offset = SEGMENT_ERROR_NOWHERE;
    error->reason[0] = '\0';
}

int segment_error_set(struct segment_error *error, int err, uint64_t offset,
                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->reason, sizeof(error->reason), format, args);
    va_end(args);
    error->offset = offset;
    return err;
}

int segment_error_memory(struct segment_error *error)
{
    return segment_error_set(error, -ENOMEM, SEGMENT_ERROR_NOWHERE,
                             "out of memory");
}

void segment_error_line(const struct segment_error *error, char *line,
                        size_t size)
{
    if (error->offset == SEGMENT_ERROR_NOWHERE)
        snprintf(line, size, "%s: %s", error->path, error->reason);
    else
        snprintf(line, size, "%s:%" PRIu64 ": %s", error->path, error->offset,
                 error->reason);
    printable_clean(line, strlen(line));
}
