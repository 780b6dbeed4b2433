/* SPDX-License-Identifier: MIT */
/*
 * run_server.h - the server of `preprof run --http PORT`.
 *
 * Starts the preprof-server beside this program as
 *
 *   preprof-server --port PORT --root PID --ready-fd FD [--only NAME]
 *
 * which shows process PID, or the newest NAME, at the root and, once it listens, writes its port in
 * decimal and a newline to FD and closes it. It is in a process group of its
 * own, for the terminal's signals are the program's; what it logs goes to our
 * stderr; and it ends with us at the latest. Read next: run_main.c.
 */
#ifndef PREPROF_RUN_SERVER_H
#define PREPROF_RUN_SERVER_H

#include <signal.h>
#include <sys/types.h>

#define RUN_SERVER_START_MS 10000 /* it listens by then, or has failed */
#define RUN_SERVER_END_MS   3000  /* it ends by then, or is killed */

struct run_server_site {
    const char *port; /* as the user gave it */
    pid_t program;
    const char *only; /* the one program that is profiled, or NULL */
};

/*
 * Returns the server's pid once it listens and has said where; or -errno after
 * a line on stderr, ours or its own. It starts with the signal mask `signals`.
 */
pid_t run_server_start(const struct run_server_site *site,
                       const sigset_t *signals);

/* Ends it, and waits until it has. */
void run_server_end(pid_t server);

#endif
