/* SPDX-License-Identifier: MIT */
/*
 * restart.h - a system call that our signal has ended is made again.
 *
 * Some calls end with EINTR at any handler, SA_RESTART or not: epoll_wait,
 * poll, nanosleep, all sockets with a time limit (signal(7)). Programs without
 * handlers do not expect that. It must never make a call again that one of the
 * program's own handlers has ended: a program that is told to end would sleep.
 * Read next: arch.h (what is known of the call), cpu.c (whose handler it is).
 */
#ifndef PREPROF_RESTART_H
#define PREPROF_RESTART_H

#include <ucontext.h>

/*
 * Called last in the handler, with all signals blocked. A call that has ended
 * with EINTR is made when the handler returns, with the same arguments; so a
 * time limit that is relative begins anew where the kernel does not count it
 * down in place (select does). Left as it is: where the architecture cannot
 * tell which call it was; where another signal waits for the thread, or a
 * handler of the program's may have run before ours. Async-signal-safe.
 */
void restart_call(ucontext_t *context);

#endif
