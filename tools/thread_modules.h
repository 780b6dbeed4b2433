/* SPDX-License-Identifier: MIT */
/*
 * thread_modules.h - the programs and libraries that a process has mapped.
 *
 * Names and ranges come from /proc/PID/maps, everything else from the mapped
 * ELF headers themselves: what a file was replaced by does not matter, and the
 * vDSO is a module like others. Read next: thread_walk.h.
 */
#ifndef PREPROF_THREAD_MODULES_H
#define PREPROF_THREAD_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thread_memory.h"

#define THREAD_MODULES_MAX        4096
#define THREAD_MODULE_ID_MAX      64
#define THREAD_MODULE_HEADERS_MAX 64

struct thread_module {
    uint64_t start, end; /* of all of it */
    uint64_t text_start, text_end, text_offset;
    uint64_t bias;  /* address = bias + virtual address in the file */
    uint64_t table; /* address of .eh_frame_hdr; 0 none */
    uint64_t table_size;
    uint8_t build_id[THREAD_MODULE_ID_MAX];
    size_t build_id_length;
    char *path; /* without " (deleted)" */
};

struct thread_modules {
    struct thread_module *list; /* by address; what is no ELF is left out */
    size_t count;
    size_t main; /* index of the program; count when it is not there */
};

/*
 * Reads them; `process` is open at /proc/PID/task/TID. Also tells `memory` what cannot
 * change. 0 or -errno. The caller frees what it got.
 */
int thread_modules_read(int process, struct thread_memory *memory,
                        struct thread_modules *modules);
void thread_modules_free(struct thread_modules *modules);

/* The one that has the address in its range; NULL when none. */
const struct thread_module *
thread_modules_find(const struct thread_modules *modules, uint64_t address);

/* One line of /proc/PID/maps, cut at its newline. */
struct thread_mapping {
    uint64_t start, end, offset;
    bool writable, executable;
    const char *path; /* in the line; "" for none */
};

/* 0 or -EINVAL. */
int thread_mapping_parse(const char *line, struct thread_mapping *mapping);

#endif
