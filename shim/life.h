/* SPDX-License-Identifier: MIT */
/*
 * life.h - which segment this process counts into.
 *
 * A process is born at its first hook (or in the constructor), again in every
 * forked child, and ends in life_end(). A vfork child shares its parent's
 * memory and so its parent's life. Nothing here is ever waited for: a hook that
 * comes while another thread gives birth forwards without recording.
 *
 *   unborn --life_join()--> recording or dormant --fork--> unborn (the child)
 *
 * The page of `life` is MADV_WIPEONFORK, so that a child finds epoch 0 no
 * matter how it was made: fork, _Fork, clone (hazards C2, C3, C4). A thread's
 * copy of the epoch (thread.h) differs from it exactly when the thread or the
 * process is new.
 *
 * The hot path asks for both at once, whether the thread is of this life and
 * what the mode is: it compares the mode word with that which the thread was
 * made ready for. The word is in the segment's header, and where that is, is in
 * the page: a distance from its own start, so that a child finds distance 0,
 * and there a word that no thread is ready for. Words of different lives differ
 * (SEGMENT_MODE_BIRTH).
 * Read next: thread.h, record.h, segment.h.
 */
#ifndef PREPROF_LIFE_H
#define PREPROF_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "os.h"
#include "owner.h"
#include "segment.h"
#include "thread.h"

/*
 * life.used: 0 before birth, and below 0 where no table has anything in it.
 * From the first recording on the life's number, which its mode words have too,
 * and the modes that have recorded. So a free needs nothing if it is below 0,
 * and one comparison with the thread's own tells that there is nothing but
 * samples, and that the thread is of this life. Where blocks of boot.h's are
 * about, which may not go to the real free, it is neither of the two. Exact
 * mode takes out what the owner map knows, whatever else was used; blocks of
 * boot.h's are never in there.
 */
#define LIFE_UNUSED INT64_MIN
#define LIFE_USED(word, modes)                                                 \
    ((int64_t)((word) >> SEGMENT_MODE_BIRTH_SHIFT << 3 | (modes)))
#define LIFE_USES_OF(used)   ((used)&7)
#define LIFE_HAS_BOOT_BLOCKS 4u /* beside the modes */
_Static_assert(SEGMENT_MODE_MASK < LIFE_HAS_BOOT_BLOCKS, "bits of their own");

struct life {
    uint64_t no_mode; /* 0: the mode word before birth, as mode_at is 0 too */
    struct segment_thread *threads[SEGMENT_THREADS_MAX /
                                   SEGMENT_THREADS_PER_EXTENT]; /* creation.c */
    void *moments[SEGMENT_MOMENT_EXTENTS]; /* trace.c: the ring's extents */
    uint32_t spare_extent; /* extent.c: index + 1 of one taken in vain */
    uint32_t refused;      /* extent.c: requests that found no room */
    uint32_t recording;    /* life_record(): 0, or 1 when it has been called */
    struct {
        int64_t in_use;   /* bytes, as far as shards have told; may be below 0
                             for a moment */
        int64_t mark;     /* what in_use must exceed to be the next peak */
    } peak CACHE_ALIGNED; /* peak.c; written often, unlike the rest */
    /* What every hook reads. Not the page's first lines: the segment has the
     * header's and the first rows' there, at a distance from this page that
     * makes AMD's first-level cache, which tells lines of a set by a hash of
     * their addresses, often take one for the other. */
    uintptr_t mode_at CACHE_ALIGNED; /* where header->mode is, from this page's
                                        start */
    int64_t used;                    /* see above */
    uint64_t epoch; /* number of births in this line of processes; 0 unborn.
                       Written last, with release; pairs with the acquire in
                       life_join(). Hooks read it relaxed: a thread that sees
                       an old value takes the slow path. */
    struct segment_header *header; /* never NULL once born: without a segment,
                                      a private header in mode off */
    char *extents;   /* the mapped file behind the header, or NULL */
    uint64_t *table; /* the extent table in it */
} __attribute__((aligned(OS_PAGE_SIZE)));

/* The only one. */
extern HIDDEN struct life life[1];

/*
 * Makes the calling thread part of this process's life, giving birth first if
 * need be. Returns whether the thread may now record and free through the
 * tables; false means forward only. Never waits.
 */
COLD bool life_join(struct thread *thread);

/* Whether the thread has joined. */
static ALWAYS_INLINE bool life_has(const struct thread *thread)
{
    return LIKELY(thread->epoch ==
                  __atomic_load_n(&life->epoch, __ATOMIC_RELAXED));
}

/* What a hook does first; see above. */
static ALWAYS_INLINE bool life_joined(struct thread *thread)
{
    return LIKELY(life_has(thread)) || life_join(thread);
}

/* The thread does what the mode word says, and may; it has joined. All is of the
 * word's life: a signal handler may have forked, and this be a child that it is
 * not of; then `used` is not of that life. */
static ALWAYS_INLINE void life_make_ready(struct thread *thread, uint64_t mode)
{
    int64_t used = __atomic_load_n(&life->used, __ATOMIC_RELAXED);

    thread_unready(thread);
    switch (SEGMENT_MODE_OF(mode)) {
    case SEGMENT_MODE_OFF:
        thread->ready[SEGMENT_MODE_OFF] = mode;
        break;
    case SEGMENT_MODE_SAMPLE:
        thread->ready[SEGMENT_MODE_SAMPLE] = mode;
        thread->samples_only = LIFE_USED(mode, SEGMENT_MODE_SAMPLE);
        break;
    case SEGMENT_MODE_EXACT:
        if (LIFE_USED(mode, LIFE_USES_OF(used)) != used)
            break;
        if (owner_has_one_plane()) {
            thread->ready[SEGMENT_MODE_EXACT] = mode;
            thread->exact_used = used;
        } else {
            thread->ready[THREAD_EXACT_ANY] = mode;
            thread->exact_used = used | THREAD_ANY_BIT;
        }
        break;
    }
}

/* Whether life_make_ready() would change nothing; the word says exact. */
static ALWAYS_INLINE bool life_is_exact(const struct thread *thread,
                                        uint64_t mode)
{
    return (thread->ready[SEGMENT_MODE_EXACT] == mode ||
            thread->ready[THREAD_EXACT_ANY] == mode) &&
           (thread->exact_used & ~THREAD_ANY_BIT) ==
               __atomic_load_n(&life->used, __ATOMIC_RELAXED);
}

/* Whether waits are recorded, or traced. May be asked before birth. */
static ALWAYS_INLINE bool life_records_waits(void)
{
    const struct segment_header *header =
        __atomic_load_n(&life->header, __ATOMIC_RELAXED);

    return LIKELY(header != NULL) &&
           UNLIKELY((__atomic_load_n(&header->locks, __ATOMIC_RELAXED) |
                     __atomic_load_n(&header->trace.lease_ns,
                                     __ATOMIC_RELAXED)) != 0);
}

/* The mode word, once joined. */
static ALWAYS_INLINE uint64_t life_mode(void)
{
    return __atomic_load_n(&life->header->mode, __ATOMIC_RELAXED);
}

/* The same at any time; 0, as no such word is, before birth. A thread whose own
 * is equal (thread.h) has joined, and is ready for what it says. */
static ALWAYS_INLINE uint64_t life_mode_or_none(void)
{
    const uint64_t *mode =
        (const uint64_t *)((const char *)life +
                           __atomic_load_n(&life->mode_at, __ATOMIC_RELAXED));

    return __atomic_load_n(mode, __ATOMIC_RELAXED);
}

/*
 * Prepares the segment for the first recording in a mode, which proves that
 * allocations come here, and notes that the mode was used. False when there is
 * no room to record at all.
 */
COLD bool life_record(enum segment_mode mode);

/* Makes the extent table usable. Called before anything else is counted than
 * allocations; again is harmless. Async-signal-safe. False when the segment's
 * filesystem is full. */
bool life_make_room(void);

/* Whether a table may have anything in it. */
static ALWAYS_INLINE bool life_has_recorded(void)
{
    return (__atomic_load_n(&life->used, __ATOMIC_SEQ_CST) &
            SEGMENT_MODE_MASK) != 0;
}

static ALWAYS_INLINE bool life_may_record(enum segment_mode mode)
{
    /* Not "LIKELY(used) || life_record()": gcc 12 takes all that follows such
     * an expression for cold, and compiles it for size. */
    if (LIKELY(__atomic_load_n(&life->used, __ATOMIC_RELAXED) & (int)mode))
        return true;
    return life_record(mode);
}

/* Counts a loss in the header. Threads: any. */
void life_lose(enum segment_loss loss, uint64_t count);

/* Gives up recording for good in this process, and says why. */
void life_disable(enum segment_status status, const char *note);

/*
 * Another object's malloc comes before ours. It may forward to us, and calling
 * it to find out could run a program's own malloc before its constructors. So
 * the segment says SEGMENT_BYPASSED unless or until there is a recording, which
 * is the proof of the contrary.
 */
void life_doubt(const char *object);

/* Whether the calling process is the one whose segment this is (false in a
 * vfork child). Costs a system call. */
bool life_is_mine(void);

/*
 * The clean end of this process (exit, _exit, quick_exit): keeps the profile
 * where PREPROF_OUT asks for it and removes the segment's name; the mapping
 * stays and counting goes on into it. A second call, and one in a vfork child,
 * does nothing. A killed process never comes here: its segment stays. Returns
 * 0 or -errno of keeping the profile, and then the segment stays too.
 * Async-signal-safe.
 */
int life_end(void);

#endif
