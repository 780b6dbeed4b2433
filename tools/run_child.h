/* SPDX-License-Identifier: MIT */
/*
 * run_child.h - the program of a run: held, let go, waited for.
 *
 * It is forked first and held before its exec, so that its pid is known and a
 * server can be at work before its first instruction. It stays in our process
 * group and session: the terminal, its signals and job control reach it as
 * without us. Signals that somebody sent to us alone are passed on.
 * Must never print. Read next: run_main.c.
 */
#ifndef PREPROF_RUN_CHILD_H
#define PREPROF_RUN_CHILD_H

#include <signal.h>
#include <sys/types.h>

/* Variables of the program's environment; NULL removes one. */
struct run_variable {
    const char *name, *value;
};

struct run_child {
    pid_t pid;
    int gate;    /* a byte written here lets it exec; closed without: it ends */
    int failure; /* errno of an exec that failed; end of file: it worked */
    sigset_t signals; /* what it starts with: our own at the beginning ... */
    struct sigaction on_child; /* ... and of SIGCHLD */
};

/*
 * Forks and holds the program; from now on this process blocks the signals it
 * passes on. `variables` ends with a NULL name. Returns 0 or -errno.
 */
int run_child_hold(struct run_child *child, char **command,
                   const struct run_variable *variables);

/* Lets it exec. Returns 0, or the -errno of the exec; then it has ended. */
int run_child_release(struct run_child *child);

/* Ends a held program that is not to run after all. */
void run_child_cancel(struct run_child *child);

/*
 * Waits until the program ends, or for timeout_ms (-1: for ever), and passes
 * signals on meanwhile. Returns 1 and its wait status; 0 when it still runs.
 */
int run_child_wait(const struct run_child *child, int timeout_ms, int *status);

#endif
