/* SPDX-License-Identifier: MIT */
/*
 * segment_find.h - which segment is a process's.
 *
 * A segment's file is named PID-STARTTIME, both decimal. Read next:
 * segment_places.h, segment_read.h, process_read.h.
 */
#ifndef PREPROF_SEGMENT_FIND_H
#define PREPROF_SEGMENT_FIND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "segment_error.h"

struct segment_header;

#define SEGMENT_NAME_SIZE 32

/* Writes the name of a process's segment, without its directory. */
void segment_name_format(uint32_t pid, uint64_t start_time,
                         char name[SEGMENT_NAME_SIZE]);

/* Reads a name "PID-STARTTIME"; false for any other. */
bool segment_name_parse(const char *name, uint32_t *pid, uint64_t *start_time);

/* Whether the last part of a path is the name of this process's segment. */
bool segment_name_matches(const char *path, uint32_t pid, uint64_t start_time);

/*
 * Whether the running process of a segment has left it: by exec it has become
 * a program which does not load the shim. Where its mappings are hidden from
 * us, only that program's being setuid tells; in doubt it has not.
 */
bool segment_is_left(const struct segment_header *header);

/*
 * Writes the path of the segment of a pid: of the process that has it now,
 * else of the last one that had it. `directory` is where to look; NULL: in all
 * of segment_places.h. Returns 0, or -errno with *error filled: -ENOENT when
 * there is none.
 */
int segment_find(const char *directory, uint32_t pid, char path[PATH_MAX],
                 struct segment_error *error);

/*
 * Finds the newest live process of a program: of that executable, or started by
 * that name, as a script is and a link (of which the kernel keeps 15 bytes).
 * `directory` as above. Returns as segment_find().
 */
int segment_find_program(const char *directory, const char *program,
                         uint32_t *pid, struct segment_error *error);

/*
 * What a person named: a file, or where there is none of that name, a pid.
 * Writes the path to read, which need not exist; returns as segment_find().
 */
int segment_find_input(const char *input, char path[PATH_MAX],
                       struct segment_error *error);

#endif
