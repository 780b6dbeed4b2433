/* SPDX-License-Identifier: MIT */
/*
 * snapshot_expect.h - for cmocka tests: reads a segment made by hand, and fails
 * the test when the reader breaks a promise. Read next: segment_build.h,
 * snapshot_check.h.
 */
#ifndef PREPROF_TESTS_SNAPSHOT_EXPECT_H
#define PREPROF_TESTS_SNAPSHOT_EXPECT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "segment_build.h"
#include "segment_read.h"
#include "snapshot_check.h"

/* A row per failure: cmocka's own messages do not say which. */
#define EXPECT(condition, ...)                                                 \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_msg(__VA_ARGS__);                                             \
    } while (0)

static struct segment_error snapshot_error; /* of the last read */

static inline struct segment_snapshot *snapshot_of_file(int fd, int *err)
{
    struct segment_snapshot *snapshot;

    *err = segment_read_fd(fd, "built", SEGMENT_READ_STACKS, &snapshot,
                           &snapshot_error);
    EXPECT((*err == 0) == (snapshot != NULL), "an error and a snapshot");
    return snapshot;
}

/* Reads the first `size` bytes as a file; NULL when there is an error. */
static inline struct segment_snapshot *
snapshot_of_bytes(const struct segment_build *build, size_t size, int *err)
{
    int fd = segment_build_file(build, size);
    struct segment_snapshot *snapshot = snapshot_of_file(fd, err);

    close(fd);
    return snapshot;
}

static inline struct segment_snapshot *
snapshot_of_sound(const struct segment_build *build)
{
    int err;
    struct segment_snapshot *snapshot =
        snapshot_of_bytes(build, segment_build_size(build), &err);
    const char *fault;

    EXPECT(!err, "%" PRIu64 ": %s", snapshot_error.offset,
           snapshot_error.reason);
    fault = snapshot_fault(snapshot, true);
    EXPECT(!fault, "%s", fault);
    return snapshot;
}

#endif
