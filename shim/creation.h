/* SPDX-License-Identifier: MIT */
/*
 * creation.h - by which stack each living thread was created.
 *
 * The creator files it when pthread_create() has returned, under the id that
 * libc has in the new thread's descriptor. That memory may be gone by then: it
 * is read by the kernel's copy, never directly, and not at all under a seccomp
 * filter, which may kill who asks. No lock, no hook in the new thread.
 * Read next: thread_place.h, interpose_thread.c.
 */
#ifndef PREPROF_CREATION_H
#define PREPROF_CREATION_H

#include <pthread.h>
#include <stdint.h>

/*
 * Files that the thread whose handle is at `thread` was created at a callsite,
 * which event_record() has returned. One that has ended is left out; one that
 * finds no place is counted as THREADS_FULL. Threads: any. errno is not
 * touched.
 */
void creation_file(const pthread_t *thread, uint32_t callsite);

#endif
