/* SPDX-License-Identifier: MIT */
/*
 * cpu_request.h - has a process take a CPU profile of itself.
 *
 * The outside half of shim/cpu.h: writes the request into the segment, tells
 * it the threads, signals one, and renews the lease from a thread of its own
 * until it is ended or its parent is gone. Counts nothing itself, but what the
 * process cannot: the CPU time of threads that block the signal.
 * Read next: shim/segment.h (struct segment_cpu), process_tasks.h.
 */
#ifndef PREPROF_CPU_REQUEST_H
#define PREPROF_CPU_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#define CPU_REQUEST_HZ_DEFAULT 100u
#define CPU_REQUEST_LEASE_MS   1500u
#define CPU_REQUEST_ROUND_MS   100u /* between two looks for new threads */

struct cpu_request;

/*
 * Begins a profile of the live process whose segment is at `path`, hz samples
 * a second of CPU time (1 to SEGMENT_CPU_HZ_MAX). Returns 0, or -errno: -EBUSY
 * when one is being taken, -ENOTSUP when the program uses the signals itself,
 * -ESRCH when it has ended, -ENOMEM, or what the system said.
 */
int cpu_request_begin(const char *path, unsigned hz,
                      struct cpu_request **request);

/* Ends it; the process stops at its next tick. Returns the samples that are to
 * be charged to SEGMENT_SINK_BLOCKED. NULL is none. */
uint64_t cpu_request_end(struct cpu_request *request);

#endif
