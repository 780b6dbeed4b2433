/* SPDX-License-Identifier: MIT */
/* watch.h - tells when the process at the root has ended. */
#ifndef PREPROF_WATCH_H
#define PREPROF_WATCH_H

#include <sys/types.h>
#include <uv.h>

struct watch {
    uv_poll_t poll;
    int fd; /* -1: nothing is watched */
    void (*ended)(void *data);
    void *data;
};

/* Calls ended(data) once when process `pid` ends. Returns 0 or -errno (-ESRCH:
 * it has ended already). */
int watch_start(struct watch *watch, uv_loop_t *loop, pid_t pid,
                void (*ended)(void *data), void *data);

/* Does nothing when nothing is watched. */
void watch_stop(struct watch *watch);

#endif
