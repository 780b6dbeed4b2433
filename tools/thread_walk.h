/* SPDX-License-Identifier: MIT */
/*
 * thread_walk.h - the stack of one thread, from outside its process.
 *
 * libunwind walks over accessors of ours. Of a blocked thread only pc and sp
 * are known: a walk that needs another register, such as the frame pointer of
 * a function built with one, says so and has to be given all of them.
 * Must never touch a thread. Read next: thread_memory.h, thread_modules.h.
 */
#ifndef PREPROF_THREAD_WALK_H
#define PREPROF_THREAD_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thread_memory.h"
#include "thread_modules.h"

#define THREAD_DEPTH_MAX 512 /* frames */

struct thread_walker;

/* In libunwind's order, which is DWARF's: rax rdx rcx rbx rsi rdi rbp rsp
 * r8-r15 rip. */
#define THREAD_REGISTER_COUNT 17
enum { THREAD_RBP = 6, THREAD_RSP = 7, THREAD_RIP = 16 };

struct thread_registers {
    uint64_t values[THREAD_REGISTER_COUNT];
    bool all; /* else only rsp and rip are known */
};

enum thread_walk_end {
    THREAD_WALK_WHOLE,    /* the outermost frame was reached */
    THREAD_WALK_DEEP,     /* THREAD_DEPTH_MAX frames, and there are more */
    THREAD_WALK_REGISTER, /* it needs a register that is not known */
    THREAD_WALK_LOST,     /* memory or unwind information that is wrong */
};

/* Uses both until it is freed. NULL when memory is short. */
struct thread_walker *thread_walker_new(struct thread_memory *memory,
                                        const struct thread_modules *modules);
void thread_walker_free(struct thread_walker *walker);

/*
 * Walks from the registers; memory that can change is read anew. Writes at
 * most THREAD_DEPTH_MAX addresses to look up, leaf first: return addresses
 * less one, and the exact pc of a signal frame and of what it interrupted. The
 * leaf's is less one, too, when `returns`: it is behind a call into the kernel.
 */
enum thread_walk_end thread_walk(struct thread_walker *walker,
                                 const struct thread_registers *registers,
                                 bool returns,
                                 uint64_t addresses[THREAD_DEPTH_MAX],
                                 size_t *depth);

#endif
