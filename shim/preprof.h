/* SPDX-License-Identifier: MIT */
/*
 * preprof.h - the public interface of the shim, for C and C++.
 *
 * There is nothing to link: each function looks the shim up in the running
 * process at its first call, so the same binary works with and without
 * LD_PRELOAD=libpreprof.so, as PIE and as non-PIE. Without the shim every
 * function returns -ENOSYS and touches nothing.
 *
 *     struct preprof_memstats before;
 *     int err = preprof_read_memstats(&before);
 *     if (err)
 *         fprintf(stderr, "memstats: %s\n", strerror(-err));
 *
 * All functions may be called from any thread. They are not
 * async-signal-safe, as dlsym() is not.
 */
#ifndef PREPROF_H
#define PREPROF_H

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#define PREPROF_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* Groups of fields of struct preprof_memstats, for its `known` word. */
enum {
    PREPROF_KNOWN_HEAP_ALLOC = 1 << 0, /* Alloc HeapAlloc TotalAlloc
                                          HeapObjects */
    PREPROF_KNOWN_CALLS = 1 << 1,      /* Mallocs Frees */
    PREPROF_KNOWN_HEAP_SYS = 1 << 2,   /* HeapSys HeapInuse HeapIdle Sys */
    PREPROF_KNOWN_EXACT = 1 << 3,      /* every value is a count, no estimate */
};

/*
 * Go's runtime.MemStats as far as a C program has it; the fields keep Go's
 * names and meanings. Sizes are bytes. Block sizes are usable sizes, what the
 * allocator really gave.
 *
 * In exact mode, in one call:
 *     Mallocs - Frees == HeapObjects
 *     HeapAlloc       == sum of in-use bytes over all callsites
 *     TotalAlloc - HeapAlloc == bytes freed
 * and always:
 *     HeapSys == HeapInuse + HeapIdle
 *     Sys     == HeapSys + StackSys + BuckHashSys + OtherSys
 *
 * What a mode or an allocator cannot know is 0 and its bit in `known` is
 * clear. In sample mode Mallocs and Frees are counted, HeapAlloc is the
 * allocator's own statistic and TotalAlloc is not known. Asking can take long
 * there: glibc walks its free lists (163 ms with a million free chunks).
 */
struct preprof_memstats {
    uint64_t size;  /* sizeof(struct preprof_memstats), set by the caller's
                       header; a newer shim fills no more than this */
    uint64_t known; /* PREPROF_KNOWN_* */

    uint64_t Alloc; /* == HeapAlloc */
    uint64_t TotalAlloc;
    uint64_t Sys;
    uint64_t Lookups; /* 0, as in Go */
    uint64_t Mallocs;
    uint64_t Frees;

    uint64_t HeapAlloc;
    uint64_t HeapSys;
    uint64_t HeapIdle;
    uint64_t HeapInuse;
    uint64_t HeapReleased; /* 0: no allocator says */
    uint64_t HeapObjects;

    uint64_t StackInuse;  /* 0: not known from inside */
    uint64_t StackSys;    /* 0 */
    uint64_t BuckHashSys; /* the shim's segment */
    uint64_t OtherSys;    /* the shim's owner map and indexes */
};

/* Modes for preprof_set_mode(). */
enum {
    PREPROF_OFF = 0,
    PREPROF_SAMPLE = 1,
    PREPROF_EXACT = 2,
};

/* Internal: the shim's entry `name`, or NULL when there is none. */
static inline void *preprof_lookup(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

/*
 * Fills *stats. Returns 0, or -ENOSYS without the shim.
 */
static inline int preprof_read_memstats(struct preprof_memstats *stats)
{
    typedef int read_function(struct preprof_memstats *);
    static void *entry;
    void *found = __atomic_load_n(&entry, __ATOMIC_RELAXED);

    if (!found) {
        found = preprof_lookup("preprof_read_memstats_v1");
        if (!found)
            return -ENOSYS;
        __atomic_store_n(&entry, found, __ATOMIC_RELAXED);
    }
    stats->size = sizeof(*stats);
    return ((read_function *)found)(stats);
}

/*
 * Switches what is recorded from now on. `sample_size` is the mean distance
 * of two samples in bytes and counts for PREPROF_SAMPLE only, where 0 means
 * the default of 512 KiB. Blocks recorded before keep being followed. Returns
 * 0, -EINVAL for another mode or 2^46 bytes and more, -ENOTSUP when this
 * process cannot be profiled (preprof doctor PID says why), -ENOSYS without the
 * shim.
 */
static inline int preprof_set_mode(int mode, uint64_t sample_size)
{
    typedef int set_function(int, uint64_t);
    static void *entry;
    void *found = __atomic_load_n(&entry, __ATOMIC_RELAXED);

    if (!found) {
        found = preprof_lookup("preprof_set_mode_v1");
        if (!found)
            return -ENOSYS;
        __atomic_store_n(&entry, found, __ATOMIC_RELAXED);
    }
    return ((set_function *)found)(mode, sample_size);
}

/*
 * Whether waits for locks, conditions and threads are recorded from now on, for
 * the profiles block and mutex. Returns 0, -ENOTSUP when there is no segment to
 * record into, -ENOSYS without the shim.
 */
static inline int preprof_set_locks(int on)
{
    typedef int set_function(int);
    static void *entry;
    void *found = __atomic_load_n(&entry, __ATOMIC_RELAXED);

    if (!found) {
        found = preprof_lookup("preprof_set_locks_v1");
        if (!found)
            return -ENOSYS;
        __atomic_store_n(&entry, found, __ATOMIC_RELAXED);
    }
    return ((set_function *)found)(on);
}

/*
 * Says what the calling thread works for from now on: `value` is its label for
 * `key`, until it gets another one, or none by NULL or "". What it allocates
 * meanwhile, the CPU time it takes and its waits are counted under its labels,
 * and it is shown under them among the threads, for pprof's -tags, -tagfocus
 * and -tagroot:
 *
 *     preprof_set_label("handler", "/search");
 *     search(request);
 *     preprof_set_label("handler", NULL);
 *
 * Both are copied; keys are not empty, UTF-8 is shown as it is. Of a block,
 * those labels count under which it was allocated. A thread has at most 16, key
 * and value together at most 248 bytes. A process has at most 4095 different
 * ones, and stacks under each: labels are for kinds of work, not for ids.
 * A thread that is created begins with the labels that its creator has then, as
 * a goroutine does; what either sets afterwards is its own. Forked children
 * start without.
 *
 * Returns 0; -EINVAL for a key that is none; -E2BIG for one key too many;
 * -ENAMETOOLONG for too long a value, and -ENOSPC when there is no room, after
 * both of which the thread has no label for the key rather than its last one;
 * -ENOTSUP when there is no segment to record into, -ENOSYS without the shim.
 */
static inline int preprof_set_label(const char *key, const char *value)
{
    typedef int set_function(const char *, const char *);
    static void *entry;
    void *found = __atomic_load_n(&entry, __ATOMIC_RELAXED);

    if (!found) {
        found = preprof_lookup("preprof_set_label_v1");
        if (!found)
            return -ENOSYS;
        __atomic_store_n(&entry, found, __ATOMIC_RELAXED);
    }
    return ((set_function *)found)(key, value);
}

#ifdef __cplusplus
}
#endif

#endif
