/* SPDX-License-Identifier: MIT */
/*
 * trace_ring.h - takes the moments out of a segment's ring.
 *
 * The ring is hostile input, and is written while it is read: it is copied by
 * pread, a moment is taken once, and only if it was whole and nobody can have
 * begun to overwrite it meanwhile. What it says of time, callsite and thread is
 * anything at all. Must never write to a segment, or wait for one.
 * Read next: shim/segment.h (struct segment_moment), trace_request.h.
 */
#ifndef PREPROF_TRACE_RING_H
#define PREPROF_TRACE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "segment.h"

/* Of one trace. Where there are more, or more come than can be taken out, the
 * shorter half of the waits and releases is left out, and then what is as
 * short. */
#define TRACE_MOMENTS_MAX 500000u

struct trace_ring;

struct trace_moments {
    struct segment_moment *list; /* in no order; `state` means nothing here */
    size_t count;
    uint64_t short_ns; /* waits and releases that took less are left out */
    uint64_t shorts;   /* so many */
    unsigned thinned;  /* so often; in between, the list only grows */
    uint64_t lost;     /* begun since the trace began, and neither */
};

/* For a segment's open file, which stays the caller's: what is begun from now
 * on. Returns 0, -EIO for a file that is too short, or -errno. */
int trace_ring_open(int fd, struct trace_ring **ring);

/* Takes what is there. Returns 0, -ENOMEM, or -errno; what was taken stays. */
int trace_ring_drain(struct trace_ring *ring);

/* What has been taken; the ring's own. */
struct trace_moments trace_ring_moments(const struct trace_ring *ring);

/* NULL is none. */
void trace_ring_close(struct trace_ring *ring);

#endif
