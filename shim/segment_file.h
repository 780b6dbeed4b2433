/* SPDX-License-Identifier: MIT */
/*
 * segment_file.h - the file behind a segment: made, named, found full, removed.
 *
 *   create: temporary name, O_EXCL, 0600, in a checked 0700 directory; mapped;
 *           the descriptor is closed again before create returns
 *   publish: renamed to PID-STARTTIME, so that a program that execs replaces
 *            the segment of its predecessor
 *
 * Nothing here is called from a hook but at birth. Read next: life.h.
 */
#ifndef PREPROF_SEGMENT_FILE_H
#define PREPROF_SEGMENT_FILE_H

#include <stdint.h>

#include "segment.h"

#define SEGMENT_FILE_SIZE_MAX                                                  \
    (SEGMENT_EXTENTS_OFFSET +                                                  \
     (uint64_t)SEGMENT_EXTENTS_MAX * SEGMENT_EXTENT_SIZE)
#define SEGMENT_FILE_SIZE_MIN (SEGMENT_EXTENTS_OFFSET + 8 * SEGMENT_EXTENT_SIZE)
/* A segment takes at most this part of what its filesystem has free. */
#define SEGMENT_FILE_FREE_PART 8u

struct segment_file {
    struct segment_header *header; /* the mapping; NULL for none */
    uint64_t size;
    char path[1088];      /* its name once published */
    char temporary[1088]; /* its name before */
};

/*
 * Makes and maps the file, at most size_max bytes (sparse) and less when the
 * filesystem or RLIMIT_FSIZE says so, and fills in the constant identity of
 * its header. Returns 0 or -errno: -EPERM when the directory is not ours alone
 * to write, -EFBIG when a limit leaves too little, -ENOSPC.
 */
int segment_file_create(struct segment_file *file, const char *directory,
                        uint64_t size_max);

/* Gives the file its name. Returns 0 or -errno. */
int segment_file_publish(struct segment_file *file);

/* Removes a file that was not published, and its mapping. */
void segment_file_discard(struct segment_file *file);

void segment_file_unlink(struct segment_file *file);
void segment_file_unmap(struct segment_file *file);

/* Bytes in use over all callsites of a mapped segment of this process's
 * parent: 0 when there is none. */
uint64_t segment_file_in_use(const struct segment_file *file);

/*
 * Writes the used part of a mapped segment to a file of its own, in one piece:
 * under a temporary name first, every free counter copied before any alloc
 * counter. Returns 0 or -errno.
 */
int segment_file_dump(const struct segment_file *file, const char *path);

#endif
