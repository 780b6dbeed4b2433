/* SPDX-License-Identifier: MIT */
/*
 * segment_error.h - why a segment could not be read, and where in it.
 *
 * Must never hold a pointer into what was read. Read next: segment_read.h.
 */
#ifndef PREPROF_SEGMENT_ERROR_H
#define PREPROF_SEGMENT_ERROR_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_ERROR_NOWHERE UINT64_MAX /* it is the file as a whole */
struct segment_error {
    char path[PATH_MAX];
    uint64_t offset; /* in the file, or SEGMENT_ERROR_NOWHERE */
    char reason[256];
};

/* Room for any "path:offset: reason". */
#define SEGMENT_ERROR_LINE_SIZE (PATH_MAX + 300)

/* Names the file that is going to be read; no error yet. */
void segment_error_begin(struct segment_error *error, const char *path);

/* Sets offset and reason, and returns `err` for the caller to pass on. */
__attribute__((format(printf, 4, 5))) int
segment_error_set(struct segment_error *error, int err, uint64_t offset,
                  const char *format, ...);

/* Says that memory is short, and returns -ENOMEM. */
int segment_error_memory(struct segment_error *error);

/* The error as one printable line without newline. */
void segment_error_line(const struct segment_error *error, char *line,
                        size_t size);

#endif
