/* SPDX-License-Identifier: MIT */
/*
 * sample.h - which allocations a sampled profile counts, and for how much.
 *
 * Poisson sampling by bytes: the distance to the next sample is exponential
 * with mean R, drawn anew after each sample, so a block of s bytes is sampled
 * with probability p = 1 - e^(-s/R) whatever came before. It then stands for
 * 1/p blocks (the unbiased estimator, as Go's runtime and jemalloc's
 * PROFILING_INTERNALS describe it). The weight is applied when the sample is
 * taken and kept with the block, so that modes and rates can change at any
 * time and every counter has one unit; it is rounded up or down at random so
 * that the expected count stays exact.
 *
 * Live samples are kept in a pool; a block's word in the owner map names its
 * sample (SAMPLE_OWNER). Free slots form a stack whose head carries a tag
 * against ABA; slots never move. Wiped in a forked child.
 * Read next: record.h, owner.h.
 */
#ifndef PREPROF_SAMPLE_H
#define PREPROF_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "thread.h"

#define SAMPLE_SLOTS_MAX (1u << 20)

/* An owner word is a sample if its top bit is set, else a callsite id. */
#define SAMPLE_OWNER(slot)     ((slot) | 0x80000000u)
#define SAMPLE_IS_OWNER(owner) (((owner)&0x80000000u) != 0)
#define SAMPLE_SLOT_OF(owner)  ((owner)&0x7fffffffu)

struct sample {
    uint64_t space;    /* bytes it stands for */
    uint32_t objects;  /* blocks it stands for */
    uint32_t callsite; /* or the next free slot + 1 */
};

/* Called at each birth. Returns 0 or -ENOMEM. */
int sample_begin(void);

/* Keeps a live sample; returns its slot, or UINT32_MAX when the pool is full.
 * Threads: any. Async-signal-safe. */
uint32_t sample_keep(const struct sample *sample);

/* Takes a sample out of the pool. Threads: any, each slot by one. */
struct sample sample_release(uint32_t slot);

/* Draws the distance to the next sample for a mean of `mean_bytes`. The random
 * numbers come from thread->random; 0 there starts them from the kernel's. */
COLD void sample_draw(struct thread *thread, uint64_t mean_bytes);

/* The weight of a sampled block of `size` bytes: how many blocks it stands
 * for, at least 1. */
COLD uint32_t sample_weight(struct thread *thread, size_t size,
                            uint64_t mean_bytes);

/* Whether the next `size` bytes contain a sample point; then the caller draws
 * again. An empty block counts as one byte: it must have a chance too. */
static ALWAYS_INLINE bool sample_due(struct thread *thread, size_t size)
{
    thread->countdown -= (int64_t)(size + !size);
    return UNLIKELY(thread->countdown < 0);
}

/* e^-x and ln(u) to 14 digits, because libm is not ours to load. */
double sample_one_minus_exp(double x); /* 1 - e^-x for x >= 0 */
double sample_log(double u);           /* ln(u) for normal u > 0 */

#endif
