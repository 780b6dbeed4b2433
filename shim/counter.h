/* SPDX-License-Identifier: MIT */
/*
 * counter.h - adding to a counter that others read while it grows.
 *
 * Two kinds of add, chosen by who may write the word:
 *
 *   owned   one thread writes (and signal handlers that interrupt it). A
 *           single unlocked read-modify-write instruction cannot be torn by a
 *           signal; a C11 relaxed load, add, store can, and lost counts when it
 *           was measured. Readers on other threads see some earlier value.
 *   shared  any thread writes: a locked add, 3 times the cost.
 *
 * Neither orders anything: counters are sums, read by copying frees before
 * allocs (segment.h).
 */
#ifndef PREPROF_COUNTER_H
#define PREPROF_COUNTER_H

#include <stdint.h>

#include "cc.h"

static ALWAYS_INLINE void counter_add_shared(uint64_t *word, uint64_t amount)
{
    __atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}

static ALWAYS_INLINE void counter_add_owned(uint64_t *word, uint64_t amount)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    __asm__ volatile("addq %1, %0" : "+m"(*word) : "er"(amount) : "cc");
#else
    /* No single unlocked instruction (or none the race detector can see). */
    counter_add_shared(word, amount);
#endif
}

static ALWAYS_INLINE uint64_t counter_read(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

#endif
