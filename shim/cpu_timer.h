/* SPDX-License-Identifier: MIT */
/*
 * cpu_timer.h - one CPU-time timer per thread, while a profile runs.
 *
 * A timer is the kernel's: it ticks in its own thread only, by that thread's
 * CPU time, and can be made from any other. The table is indexed by thread id
 * and needs no lock:
 *
 *   entry: 0 -> timer + 1 -> 0
 *
 * by compare-and-swap; whoever loses a race deletes the timer that it holds.
 * A thread's end is not noticed: its timer stays until cpu_timer_purge() or
 * until a thread gets the same id.
 * Read next: cpu.c, which decides when.
 */
#ifndef PREPROF_CPU_TIMER_H
#define PREPROF_CPU_TIMER_H

#include <stdint.h>

/* Maps the table. Called before the first timer, from anywhere; 0 or -ENOMEM.
 * All functions: any thread, async-signal-safe. */
int cpu_timer_begin(void);

/*
 * Gives a thread a timer that sends it `signal` with sigval `value` every
 * period_ns of CPU time; the first comes after a random part of that, so that
 * threads which live shorter are in a profile as often as they should be.
 * Returns 1, or 0 where there is one already, or -errno: -EAGAIN beyond
 * RLIMIT_SIGPENDING, -EINVAL or -ESRCH when the thread is gone.
 */
int cpu_timer_arm(uint32_t tid, int signal, uintptr_t value,
                  uint64_t period_ns);

/* Deletes the timers of threads that are gone; returns how many are left. */
uint32_t cpu_timer_purge(void);

/* Deletes all. */
void cpu_timer_disarm_all(void);

#endif
