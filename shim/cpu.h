/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - CPU profiles, taken by the program's own threads when a reader asks.
 *
 * A reader writes a request into the segment (segment.h, struct segment_cpu)
 * and signals one thread that runs; that one gives every thread a timer, and
 * from then on each counts its own stack when its timer ticks. Nothing of this
 * exists, but a signal handler, while nobody asks. Timers live as long as the
 * reader renews its lease:
 *
 *   idle --ids in the mailbox, lease valid--> armed --lease over--> idle
 *
 * Read next: cpu_signal.h (which signal), cpu_timer.h, walk_interrupted.h.
 */
#ifndef PREPROF_CPU_H
#define PREPROF_CPU_H

/* Takes a signal. Called once, at load. */
void cpu_begin(void);

/* Called at a thread's first hook: gives it a timer if there is a profile. One
 * that never calls us is found by the reader, which lists the threads ten times
 * a second. Async-signal-safe. */
void cpu_thread_begin(void);

/* For cpu_signal.c: deletes all timers, now that the signal is given up, and
 * tells readers which signal there is. Async-signal-safe. */
void cpu_stop(void);
void cpu_announce(void);

#endif
