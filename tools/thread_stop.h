/* SPDX-License-Identifier: MIT */
/*
 * thread_stop.h - stops one thread for a moment and lets it go as it was.
 *
 * For threads that run, and for walks that need registers. The program must
 * not notice: a call that the stop ended with EINTR is started again, a signal
 * that came meanwhile is delivered. A call with a time limit that the kernel
 * does not restart by itself (epoll_wait) begins its time anew. What a running
 * thread does can not be known before it stands: a write to a pipe that fills
 * up at that very moment returns what it wrote until then.
 * Read next: thread_dump.c, ptrace(2).
 */
#ifndef PREPROF_THREAD_STOP_H
#define PREPROF_THREAD_STOP_H

#include <sys/types.h>

#include "thread_read.h"
#include "thread_walk.h"

/* A thread in disk sleep does not stop before its disk answers. */
#define THREAD_STOP_WAIT_MS 50

/* Whether a thread that sleeps in the call may be stopped: not where the call
 * would return with a part of what it was to do, such as a write to a full
 * pipe. */
bool thread_stop_is_safe(const struct thread_syscall *call);

/* What to do while it is stopped; `in_call`: behind a call into the kernel. */
typedef void thread_stop_work(const struct thread_registers *registers,
                              bool in_call, void *data);

/*
 * 0 when the work was done, in a thread of ours; else -errno: -ESRCH it has
 * ended, -EPERM not allowed or traced by somebody else, -ETIMEDOUT it did not
 * stop. It is released in any case.
 */
int thread_stop(pid_t tid, thread_stop_work *work, void *data);

#endif
