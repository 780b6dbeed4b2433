/* SPDX-License-Identifier: MIT */
/*
 * site.h - what this server shows: set once at start, read by everybody.
 */
#ifndef PREPROF_SITE_H
#define PREPROF_SITE_H

#include <stdbool.h>
#include <sys/types.h>

#include "address.h"

struct site {
    pid_t self;
    pid_t root;       /* whose profiles are at /debug/pprof/ */
    const char *only; /* the program whose newest process is there instead, or
                         NULL */
    const char *directory;      /* of segments; NULL: the reader's default */
    const char *unprofiled;     /* why this server has no profile, or NULL */
    const char *socket;         /* the unix socket it listens on, or NULL */
    char url[ADDRESS_TEXT_MAX]; /* http://HOST:PORT */
};

/* The sample handlers are shown only where they are what is profiled. */
static inline bool site_has_samples(const struct site *site)
{
    return site->root == site->self;
}

#endif
