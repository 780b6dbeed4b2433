/* SPDX-License-Identifier: MIT */
/*
 * process_memory.h - what a process maps and holds, as the kernel sees it.
 *
 * From /proc/PID/smaps and status; an estimate where it says "heap", because
 * the kernel does not know which anonymous memory malloc asked for. Read next:
 * process_memstats.h.
 */
#ifndef PREPROF_PROCESS_MEMORY_H
#define PREPROF_PROCESS_MEMORY_H

#include <stdint.h>

/* Bytes. */
struct process_memory {
    uint64_t heap_mapped;   /* [heap] and anonymous private memory that can be
                               written and is no stack */
    uint64_t heap_resident; /* of it in memory */
    uint64_t stack_mapped;  /* [stack], and what lies above a guard page */
    uint64_t stack_resident;
    uint64_t resident;     /* VmRSS: everything, files too */
    uint64_t resident_max; /* VmHWM */
    uint64_t threads;
};

/*
 * Reads a live process. Returns 0 or -errno: -EACCES or -EPERM where we may
 * not look at its memory; `resident`, `resident_max` and `threads` are set
 * even then.
 */
int process_memory_read(uint32_t pid, struct process_memory *memory);

/* Only what /proc/PID/status says: everybody may ask, and it is cheap. */
int process_memory_read_status(uint32_t pid, struct process_memory *memory);

#endif
