/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what the shim knows about the calling thread.
 *
 * Initial-exec thread-local memory of 128 bytes: no destructor, no
 * allocation, valid until the thread's last instruction (hazards B1, B4).
 */
#ifndef PREPROF_THREAD_H
#define PREPROF_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "cc.h"
#include "segment.h"

struct segment_thread;
struct shard;

#define THREAD_UNBORN UINT64_MAX /* no life has this epoch */
/* Neither this: the thread has joined, but its next hook only forwards and
 * puts the life's epoch back, which shows that it came. */
#define THREAD_WATCHED  (UINT64_MAX - 1)
#define THREAD_NO_MODE  UINT64_MAX /* no mode word is this */
#define THREAD_NOT_ONLY (-1)       /* nor is life.used this, or with ... */
#define THREAD_ANY_BIT  (INT64_C(1) << 32) /* ... this bit, as it has none */
/* Exact mode has two forms (record_exact.h): that over other allocators takes a
 * place among the modes. */
#define THREAD_EXACT_ANY SEGMENT_MODE_MASK

struct thread {
    /* One cache line for sampling. By mode: the mode word that this thread is
     * ready for, at most one, else THREAD_NO_MODE; then it has joined, and when
     * anything is recorded a shard, for sampling also the next three
     * (life_mode_or_none). */
    uint64_t ready[THREAD_EXACT_ANY + 1];
    struct segment_row *calls; /* row 0 of its own shard ... */
    int64_t samples_only;      /* ... if this is life.used, or else
                                  THREAD_NOT_ONLY */
    uint64_t countdown;        /* sample.h: bytes to the next sample ... */
    uint64_t drawn;            /* ... at the rate of this mode word */
    /* Another line. */
    uint64_t epoch;      /* of the life the rest belongs to */
    struct shard *shard; /* the common one at first */
    uintptr_t busy;      /* frame address of the hook that walks now, or 0 */
    void *recorded;      /* last block recorded: see interpose.c */
    uint64_t random;     /* sample.h */
    int64_t exact_used;  /* life.used when it was made ready for exact mode, and
                            for THREAD_EXACT_ANY the bit; else THREAD_NOT_ONLY */
    uint32_t young;  /* shard.h: calls that it will yet count without a shard of
                        its own */
    uint32_t labels; /* label.h: what it works for; 0 nothing it said */
    struct segment_thread *place; /* label.c: where labels are written down for
                                     those who look at threads, or NULL */
} CACHE_ALIGNED;

extern HIDDEN _Thread_local struct thread thread_self;

/* Its next hook finds out what it has to do. */
static ALWAYS_INLINE void thread_unready(struct thread *thread)
{
    for (int mode = 0; mode <= (int)THREAD_EXACT_ANY; mode++)
        thread->ready[mode] = THREAD_NO_MODE;
    thread->samples_only = thread->exact_used = THREAD_NOT_ONLY;
}

/*
 * Whether a mark was left behind by a longjmp (hazards D12), so that nothing
 * that the hook of this frame interrupts still walks. Async-signal-safe; costs
 * a system call, as alternate signal stacks may lie above the others.
 */
COLD bool thread_mark_is_stale(uintptr_t mark, uintptr_t frame);

/*
 * Marks the thread as walking, from the hook whose frame this is. Returns
 * false when it already walks: the caller is a signal handler's allocation.
 */
static ALWAYS_INLINE bool thread_enter(struct thread *thread, uintptr_t frame)
{
    if (UNLIKELY(thread->busy) && !thread_mark_is_stale(thread->busy, frame))
        return false;
    thread->busy = frame;
    COMPILER_BARRIER();
    return true;
}

static ALWAYS_INLINE void thread_leave(struct thread *thread)
{
    COMPILER_BARRIER();
    thread->busy = 0;
}

#endif
