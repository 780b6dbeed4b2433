/* SPDX-License-Identifier: MIT */
/*
 * thread_lock.h - which thread waits for which.
 *
 * A thread in futex(2) waits at an address; if a mutex of glibc, or a lock in
 * the kernel's own convention (PI, robust, musl), is there, its owner is in it;
 * if the word is a tid, it is a join. Other futexes have no owner.
 * Read next: thread_dump.h.
 */
#ifndef PREPROF_THREAD_LOCK_H
#define PREPROF_THREAD_LOCK_H

#include "thread_dump.h"
#include "thread_memory.h"

/* Fills wait, other and lock from what is in memory now, unchecked. */
void thread_lock_read(struct thread_memory *memory,
                      const struct thread_syscall *call, struct thread *thread);

/*
 * Checks them against the threads there are, forgets owners that are none, and
 * fills the dump's deadlocks: of each circle of threads that wait for each
 * other a line, "deadlock: 12 (a) waits for the mutex 0x... of 13 (b), which
 * waits for ...". 0 or -ENOMEM.
 */
int thread_lock_resolve(struct thread_dump *dump);

#endif
