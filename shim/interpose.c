/* SPDX-License-Identifier: MIT */
/*
 * interpose.c - the exported malloc family.
 *
 * Each function forwards to the next allocator and records; none changes a
 * size, an alignment, a pointer or errno, and none waits. The walk starts in
 * the caller, so no frame of ours is in a profile. Built with frame pointers
 * (walk.h) and without builtins: GCC would turn calloc's body into a call of
 * calloc (hazards A3). C++'s operators are in interpose_new.c.
 * Read next: record.h, real.h.
 *
 * Each decides without a frame and jumps on, either to the real allocator or to
 * another function, which has the same caller and starts the walk there
 * (-foptimize-sibling-calls, checked by codegen.t): *_exact_* where a thread is
 * in the middle of exact mode, *_recorded for anything else.
 *
 * Some allocators build one function on another by way of the symbol (calloc
 * on malloc, malloc on memalign). Then the inner call records the block, and
 * the outer one notices (record_seen) and does not count it twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "cc.h"
#include "interpose.h"
#include "real.h"
#include "record.h"
#include "record_exact.h"

/* The block that malloc or its like returned in exact mode. The start of the
 * walk is read no earlier, so that no register has to keep it. */
#define RECORD_EXACT_RESULT(header, block)                                     \
    do {                                                                       \
        if (LIKELY(block && ((header) || thread_self.recorded != block))) {    \
            const struct walk_start start = WALK_START_HERE();                 \
                                                                               \
            record_exact_alloc(header, &thread_self, block, &start);           \
        }                                                                      \
    } while (0)

/* In two forms, of which record_exact.h tells. */
#define INTERPOSE_EXACTLY(name, parameters, arguments, allocate)               \
    static HOT void *name##_header parameters                                  \
    {                                                                          \
        void *block = real.allocate;                                           \
                                                                               \
        RECORD_EXACT_RESULT(true, block);                                      \
        return block;                                                          \
    }                                                                          \
                                                                               \
    static HOT void *name##_any parameters                                     \
    {                                                                          \
        void *block;                                                           \
                                                                               \
        thread_self.recorded = NULL;                                           \
        block = real.allocate;                                                 \
        RECORD_EXACT_RESULT(false, block);                                     \
        return block;                                                          \
    }

INTERPOSE_EXACTLY(malloc_exact, (size_t size), (size), malloc(size))
INTERPOSE_EXACTLY(calloc_exact, (size_t count, size_t size), (count, size),
                  calloc(count, size))
INTERPOSE_EXACTLY(realloc_exact_first, (size_t size), (size),
                  realloc(NULL, size))

static NOINLINE void *malloc_recorded(size_t size)
{
    const struct walk_start start = WALK_START_HERE();
    void *block;

    thread_self.recorded = NULL;
    block = real.malloc(size);
    if (LIKELY(block && thread_self.recorded != block))
        record_alloc(block, size, &start);
    return block;
}

EXPORT void *malloc(size_t size)
{
    switch (record_alloc_needs(size)) {
    case RECORD_EXACT_HEADER:
        return malloc_exact_header(size);
    case RECORD_EXACT_ANY:
        return malloc_exact_any(size);
    case RECORD_SOMEHOW:
        return malloc_recorded(size);
    case RECORD_COUNTED:
        COMPILER_BARRIER(); /* else both are one, and off takes a jump more */
        return real.malloc(size);
    case RECORD_NOTHING:
        break;
    }
    return real.malloc(size);
}

/* What free does with a block that may be boot.h's. */
static NOINLINE void free_recorded(void *block)
{
    if (UNLIKELY(boot_owns(block)))
        return;
    record_free(block);
    real.free(block);
}

static COLD void free_and_tell(void *block)
{
    peak_settle(thread_self.shard);
    real.free(block);
}

/* Where the allocator must be asked for the size. */
static NOINLINE void free_exact_asking(void *block, uint32_t *slot,
                                       struct segment_row *row)
{
    struct shard *shard = thread_self.shard;
    size_t size = real.malloc_usable_size(block);

    __atomic_store_n(slot, 0, __ATOMIC_RELAXED); /* record_exact_take() */
    if (UNLIKELY(shard_row_free(shard, row, size)))
        peak_settle(shard);
    real.free(block);
}

static ALWAYS_INLINE void free_exact_in(bool header, void *block)
{
    struct record_exact_place place;
    size_t size;

    if (UNLIKELY(!record_exact_find(header, &thread_self, block, &place))) {
        free_recorded(block);
    } else if (UNLIKELY(!real_read_size(block, header, &size))) {
        free_exact_asking(block, place.slot, place.row);
    } else {
        record_exact_take(&place);
        if (UNLIKELY(shard_row_free(thread_self.shard, place.row, size)))
            free_and_tell(block);
        else
            real.free(block);
    }
}

static HOT void free_exact_header(void *block)
{
    free_exact_in(true, block);
}

static HOT void free_exact_any(void *block)
{
    free_exact_in(false, block);
}

EXPORT void free(void *block)
{
    switch (record_free_needs(block)) {
    case RECORD_EXACT_HEADER:
        free_exact_header(block);
        return;
    case RECORD_EXACT_ANY:
        free_exact_any(block);
        return;
    case RECORD_SOMEHOW:
        free_recorded(block);
        return;
    case RECORD_NOTHING:
    case RECORD_COUNTED:
        break;
    }
    real.free(block);
}

/* What every other function does with its result. */
static ALWAYS_INLINE void record_result(const struct record_watch *watch,
                                        void *block, size_t size,
                                        const struct walk_start *start)
{
    if (LIKELY(block && !record_seen(watch, block)) &&
        !record_forwards(record_alloc_needs(size)))
        record_alloc(block, size, start);
}

/* A block of the bootstrap arena moves to the real allocator. */
static COLD void *move_out_of_boot(void *old, size_t size)
{
    void *block = real.malloc(size);
    size_t old_size = boot_size(old);

    if (block)
        memcpy(block, old, old_size < size ? old_size : size);
    return block;
}

static ALWAYS_INLINE void *resize(void *old, size_t size,
                                  const struct walk_start *start)
{
    const struct record_watch watch = record_begin();
    struct record_taken taken = {0, 0, 0};
    void *block;

    if (UNLIKELY(old && boot_owns(old))) {
        block = move_out_of_boot(old, size);
    } else {
        if (old)
            taken = record_take(old);
        block = real.realloc(old, size);
        /* NULL is a failure, unless nothing was asked for: that was a free. */
        if (UNLIKELY(!block && size != 0))
            record_put_back(old, &taken);
        else
            record_taken_freed(old, &taken);
    }
    record_result(&watch, block, size, start);
    return block;
}

static NOINLINE void *realloc_recorded(void *old, size_t size)
{
    const struct walk_start start = WALK_START_HERE();

    return resize(old, size, &start);
}

/* Counts the free when it has happened: realloc can fail. */
static ALWAYS_INLINE void *realloc_exact_in(bool header, void *old, size_t size)
{
    struct thread *thread = &thread_self;
    const uint64_t epoch = thread->epoch;
    struct record_exact_place place;
    size_t old_size;
    void *block;

    if (UNLIKELY(size == 0 || !record_exact_find(header, thread, old, &place)))
        return realloc_recorded(old, size);
    old_size = real_usable_size(old);
    record_exact_take(&place);
    thread->recorded = NULL;
    block = real.realloc(old, size);
    /* In a child that a signal handler forked, which may have joined its own
     * life by now, the place is the parent's. */
    if (UNLIKELY(__atomic_load_n(&life->epoch, __ATOMIC_RELAXED) != epoch))
        return block;
    if (UNLIKELY(!block)) {
        record_exact_put_back(&place);
        return NULL;
    }
    if (UNLIKELY(shard_row_free(thread->shard, place.row, old_size)))
        peak_settle(thread->shard);
    RECORD_EXACT_RESULT(header, block);
    return block;
}

static HOT void *realloc_exact_header(void *old, size_t size)
{
    return realloc_exact_in(true, old, size);
}

static HOT void *realloc_exact_any(void *old, size_t size)
{
    return realloc_exact_in(false, old, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    switch (record_realloc_needs(old, size)) {
    case RECORD_NOTHING:
    case RECORD_COUNTED:
        return real.realloc(old, size);
    case RECORD_EXACT_HEADER:
        return old ? realloc_exact_header(old, size)
                   : realloc_exact_first_header(size);
    case RECORD_EXACT_ANY:
        return old ? realloc_exact_any(old, size)
                   : realloc_exact_first_any(size);
    case RECORD_SOMEHOW:
        break;
    }
    return realloc_recorded(old, size);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    const struct walk_start start = WALK_START_HERE();
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(old, bytes, &start);
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size)
{
    const struct walk_start start = WALK_START_HERE();
    const struct record_watch watch = record_begin();
    int err = real.posix_memalign(block, alignment, size);

    if (LIKELY(err == 0))
        record_result(&watch, *block, size, &start);
    return err;
}

/* The functions that only differ in what they are called with. */
#define INTERPOSE_RECORDED(name, parameters, arguments, size)                  \
    static NOINLINE void *name##_recorded parameters                           \
    {                                                                          \
        const struct walk_start start = WALK_START_HERE();                     \
        const struct record_watch watch = record_begin();                      \
        void *block = real.name arguments;                                     \
                                                                               \
        record_result(&watch, block, size, &start);                            \
        return block;                                                          \
    }

#define INTERPOSE_ALLOC(name, parameters, arguments)                           \
    INTERPOSE_RECORDED(name, parameters, arguments, size)                      \
                                                                               \
    EXPORT void *name parameters                                               \
    {                                                                          \
        return record_forwards(record_realloc_needs(NULL, size))               \
                   ? real.name arguments                                       \
                   : name##_recorded arguments;                                \
    }

INTERPOSE_ALLOC(aligned_alloc, (size_t alignment, size_t size),
                (alignment, size))
INTERPOSE_ALLOC(memalign, (size_t alignment, size_t size), (alignment, size))
INTERPOSE_ALLOC(valloc, (size_t size), (size))
INTERPOSE_ALLOC(pvalloc, (size_t size), (size))

INTERPOSE_RECORDED(calloc, (size_t count, size_t size), (count, size),
                   (count * size))

EXPORT void *calloc(size_t count, size_t size)
{
    switch (record_realloc_needs(NULL, count * size)) {
    case RECORD_NOTHING:
    case RECORD_COUNTED:
        return real.calloc(count, size);
    case RECORD_EXACT_HEADER:
        return calloc_exact_header(count, size);
    case RECORD_EXACT_ANY:
        return calloc_exact_any(count, size);
    case RECORD_SOMEHOW:
        break;
    }
    return calloc_recorded(count, size);
}

EXPORT void cfree(void *block)
{
    free(block);
}

/* C23 defines these two as free(block) for whoever passes the right sizes; most
 * allocators do not have them. */
EXPORT void free_sized(void *block, size_t size)
{
    (void)size;
    free(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    (void)alignment;
    (void)size;
    free(block);
}

EXPORT size_t malloc_usable_size(void *block)
{
    if (UNLIKELY(block && boot_owns(block)))
        return boot_size(block);
    return real.malloc_usable_size(block);
}
