/* SPDX-License-Identifier: MIT */
/*
 * cpu_signal.h - the one signal that the shim takes from the program, and how
 * the program does not notice.
 *
 * A signal whose default is to be ignored, so that a stray one kills nobody,
 * not even the next program after exec (hazards C7, D3): SIGURG, else
 * SIGWINCH. It is taken at load where nobody has a handler for it. What the
 * program then asks about it or sets to default or ignored is answered from
 * memory; a program that has a handler for the signal or waits for it gets it,
 * and the shim goes looking for another one.
 *
 *   taken: 0 -> SIGURG -> SIGWINCH -> 0, or less of it
 *
 * Read next: interpose_signal.c (what asks here), cpu.c (who handles it).
 */
#ifndef PREPROF_CPU_SIGNAL_H
#define PREPROF_CPU_SIGNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

typedef void cpu_signal_handler(int number, siginfo_t *info, void *context);

/* Takes a signal for `handler`; cpu_signal_taken() says which. Called once,
 * at load. */
void cpu_signal_begin(cpu_signal_handler *handler);

/* The signal that is taken, or 0. Threads: any. Async-signal-safe. */
int cpu_signal_taken(void);
uint64_t cpu_signal_bit(void); /* the same as a set, as the kernel has it */

/* Whether the kernel still calls our handler: a program may have set its own
 * without asking libc. Async-signal-safe. */
bool cpu_signal_is_ours(void);

/* Whether the program has a handler for another signal, or had one that was
 * reset as it ran; or one that blocks ours meanwhile. Async-signal-safe. */
bool cpu_signal_has_other_handler(bool that_blocks_ours);

/*
 * The program's sigaction() of the signal that is taken; the two must not be
 * one. Fills *seen when it is not NULL. Returns true when that is all; false
 * when the program is to have the signal: it is no longer taken, and the
 * caller has libc set *wanted. Threads: any. Async-signal-safe.
 */
bool cpu_signal_answer(const struct sigaction *wanted, struct sigaction *seen);

/*
 * The program is about to wait for the signals of *set, which may be NULL, by
 * signalfd() or sigwait(). The signal that is taken is given up when it is in
 * there. Returns what the program is to wait for: *set; or, where that has all
 * that the shim could take, and so is meant to be every signal there is,
 * *without, a copy without the one that stays taken. Threads: any.
 */
const sigset_t *cpu_signal_await(const sigset_t *set, sigset_t *without);

#endif
