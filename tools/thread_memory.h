/* SPDX-License-Identifier: MIT */
/*
 * thread_memory.h - the memory of a process, read from outside.
 *
 * Through /proc/PID/mem and not process_vm_readv(): permission is checked
 * once, seccomp filters of containers leave it alone, and after an exec() it
 * reads nothing rather than another program. Pages that cannot change are kept;
 * those of stacks only for one walk. Must never write. Read next:
 * thread_modules.h.
 */
#ifndef PREPROF_THREAD_MEMORY_H
#define PREPROF_THREAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread_memory;

/* `process` is open at /proc/PID/task/TID. 0 or -errno: -EACCES or -EPERM when we may
 * not read it. The caller closes what it got. */
int thread_memory_open(int process, struct thread_memory **memory);
void thread_memory_close(struct thread_memory *memory);

/* A read-only mapping: its pages are read once. Others are read anew after
 * each thread_memory_refresh(). 0 or -ENOMEM. */
int thread_memory_add_constant(struct thread_memory *memory, uint64_t start,
                               uint64_t end);
void thread_memory_refresh(struct thread_memory *memory);

/* All of it; false when some of it cannot be read. */
bool thread_memory_read(struct thread_memory *memory, uint64_t address,
                        void *to, size_t size);

#endif
