/* SPDX-License-Identifier: MIT */
/* segment_input.c - see segment_input.h. */
#include "segment_input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core_segment.h"
#include "segment_find.h"

int segment_input_read(const char *input, enum segment_parts parts,
                       struct segment_snapshot **snapshot,
                       struct segment_error *error)
{
    char path[PATH_MAX];
    int err = segment_find_input(input, path, error), fd;

    *snapshot = NULL;
    if (err)
        return err;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || !core_is(fd))
        err = segment_read(path, parts, snapshot, error);
    else
        err = core_segment_read(fd, path, parts, snapshot, error);
    if (fd >= 0)
        close(fd);
    return err;
}
