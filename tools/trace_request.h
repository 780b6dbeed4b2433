/* SPDX-License-Identifier: MIT */
/*
 * trace_request.h - has a process trace itself, and takes what it says.
 *
 * A CPU profile (cpu_request.h) and a lease beside its own, for which the
 * process writes its events to a ring. A thread of this one renews the lease,
 * empties the ring, and looks at the heap's totals until it is ended or its
 * parent is gone. Knows nothing of stacks or JSON.
 * Read next: shim/segment.h (struct segment_trace), trace_ring.h, trace_json.h.
 */
#ifndef PREPROF_TRACE_REQUEST_H
#define PREPROF_TRACE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_ring.h"

#define TRACE_ROUND_MS         100u
#define TRACE_COUNTERS_MAX     16384u /* then there are half as many */
#define TRACE_THREADS_MAX      4096u  /* that have their names */
#define TRACE_THREAD_NAME_SIZE 32     /* the kernel's have 16 */

/* What was in use at a time. */
struct trace_counter {
    uint64_t time_ns; /* CLOCK_MONOTONIC, as all times here are */
    uint64_t inuse_objects, inuse_space;
    uint64_t resident; /* bytes; 0 unknown */
    bool has_heap;     /* allocations are recorded */
};

struct trace_thread {
    uint32_t tid;
    char name[TRACE_THREAD_NAME_SIZE]; /* any bytes */
};

struct trace {
    uint64_t begin_ns, end_ns;
    unsigned hz;
    struct trace_moments moments;
    struct trace_counter *counters; /* in order */
    size_t counter_count;
    struct trace_thread *threads; /* by tid; those with a name */
    size_t thread_count;
    uint64_t blocked; /* CPU samples of threads that block the signal */
};

struct trace_request;

/* Begins a trace of the live process whose segment is at `path`. Returns 0, or
 * -errno as cpu_request_begin(). */
int trace_request_begin(const char *path, unsigned hz,
                        struct trace_request **request);

/* Ends it. The trace is the request's own. */
const struct trace *trace_request_end(struct trace_request *request);

/* Ends it, if it has not been, and frees all. NULL is none. */
void trace_request_free(struct trace_request *request);

#endif
