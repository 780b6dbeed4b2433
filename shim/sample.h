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
 *
 * A free asks the filter first, which rejects nearly every block that is no
 * sample by one load from a table that fits the first-level cache: counts of
 * live samples by address hash, in four sizes that are all kept up to date
 * (samples are rare). The number of live samples chooses which size is asked,
 * at least 64 counts a sample, so that at most about 1 in 32 frees is looked at
 * more closely: by asking the larger sizes in turn, of which each lets an
 * eighth pass, and then the owner map, whose pages the others never touch. The
 * four lie in one array, each at its end and so in one another: an index counts
 * back from the end, and is a hash with ones above its b lowest bits. So the
 * choice is one word, those ones, and never torn; but in an eighth of each the
 * next smaller is counted too, eight times as densely: hence not 1 in 64. A
 * count that reaches its end stays there: the filter may say yes too often,
 * never no. Of so many samples that this is to be expected, the size is not
 * asked again.
 * Read next: record.h, owner.h.
 */
#ifndef PREPROF_SAMPLE_H
#define PREPROF_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "reserve.h"
#include "thread.h"

#define SAMPLE_SLOTS_MAX (1u << 20)

#define SAMPLE_FILTER_BITS_MIN  11u
#define SAMPLE_FILTER_BITS_STEP 3u
#define SAMPLE_FILTER_BITS_MAX  20u
#define SAMPLE_FILTER_SPARSITY  64u /* counts a live sample, at least */
/* Samples a count ever, at most: 64 in the eighth that is the next smaller. */
#define SAMPLE_FILTER_DENSITY 8u

/* An owner word is a sample if its top bit is set, else a callsite id. */
#define SAMPLE_OWNER(slot)     ((slot) | 0x80000000u)
#define SAMPLE_IS_OWNER(owner) (((owner)&0x80000000u) != 0)
#define SAMPLE_SLOT_OF(owner)  ((owner)&0x7fffffffu)

struct sample {
    uint64_t space;    /* bytes it stands for */
    uint32_t objects;  /* blocks it stands for */
    uint32_t callsite; /* or the next free slot + 1 */
};

extern HIDDEN struct sample_filter {
    uint8_t *end; /* of 1 << SAMPLE_FILTER_BITS_MAX counts */
    int64_t ones; /* of the size that is asked */
} sample_filter;

#define SAMPLE_FILTER_ONES(bits) (-((int64_t)1 << (bits)))

/* Called at each birth. Returns 0 or -ENOMEM. */
int sample_begin(void);

/* Keeps the sample of a block; returns its slot, or RESERVE_NONE when the pool
 * is full. Threads: any. Async-signal-safe. */
uint32_t sample_keep(const void *block, const struct sample *sample);

/* Takes the sample of a block out of the pool. Threads: any, each slot by one.
 * After realloc the block is the old one. */
struct sample sample_release(const void *block, uint32_t slot);

/* The multiplier fits an instruction; bits 32 and up of the product hang on
 * every bit in which the addresses of blocks differ. */
static ALWAYS_INLINE int64_t sample_filter_index(const void *block,
                                                 int64_t ones)
{
    return (int64_t)((uintptr_t)block * 0x5851f42du >> 32) | ones;
}

/* Whether a block is counted in the size with these ones, or another with its
 * hash. */
static ALWAYS_INLINE bool sample_is_counted(const void *block, int64_t ones)
{
    const uint8_t *count = &sample_filter.end[sample_filter_index(block, ones)];
    bool counted;

#if defined(__x86_64__)
    /* One instruction where gcc 12 makes two of an atomic load. */
    __asm__("cmpb $0, %1" : "=@ccne"(counted) : "m"(*count));
#else
    counted = __atomic_load_n(count, __ATOMIC_RELAXED) != 0;
#endif
    return counted;
}

/* False: the block is certainly no live sample, nor NULL. */
static ALWAYS_INLINE bool sample_may_be(const void *block)
{
    return sample_is_counted(
        block, __atomic_load_n(&sample_filter.ones, __ATOMIC_RELAXED));
}

/* The same, but for a block that is not NULL more seldom true where it need not
 * be: asks the larger sizes. */
bool sample_is_likely(const void *block);

/* Draws the distance to the next sample for a mean of `mean_bytes`. The random
 * numbers come from thread->random; 0 there starts them from the kernel's. */
COLD void sample_draw(struct thread *thread, uint64_t mean_bytes);

/* The weight of a sampled block of `size` bytes: how many blocks it stands
 * for, at least 1. To the sampling a block is one byte larger than it is, so
 * that an empty one has a chance too. */
COLD uint32_t sample_weight(struct thread *thread, size_t size,
                            uint64_t mean_bytes);

/* Whether a block of `size` bytes contains the next sample point; then the
 * caller draws again, if it gets the block. A refused one of any size may be
 * asked about: the countdown stays where it is. */
static ALWAYS_INLINE bool sample_due(struct thread *thread, size_t size)
{
    uint64_t bytes = (uint64_t)size + 1;
    bool below;

#if defined(__x86_64__)
    /* One instruction where gcc 12 makes four. */
    __asm__("subq %2, %0"
            : "+m"(thread->countdown), "=@ccb"(below)
            : "er"(bytes));
#else
    below =
        __builtin_sub_overflow(thread->countdown, bytes, &thread->countdown);
#endif
    if (UNLIKELY(below))
        thread->countdown += bytes;
    return below;
}

/* Whether it would. */
static ALWAYS_INLINE bool sample_is_near(const struct thread *thread,
                                         size_t size)
{
    return UNLIKELY(thread->countdown < (uint64_t)size + 1);
}

/* e^-x and ln(u) to 14 digits, because libm is not ours to load. */
double sample_one_minus_exp(double x); /* 1 - e^-x for x >= 0 */
double sample_log(double u);           /* ln(u) for normal u > 0 */

#endif
