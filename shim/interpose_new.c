/* SPDX-License-Identifier: MIT */
/*
 * interpose_new.c - every replaceable operator new and delete.
 *
 * libstdc++'s operators call malloc and free by name, so interpose.c sees them
 * and these functions only jump on: no frame of ours is on the stack when
 * bad_alloc or a new_handler passes. tcmalloc, mimalloc and jemalloc bring
 * operators that do not call malloc; there the block is recorded here.
 *
 * The operators are looked up one by one at their first use. In a C program
 * that opened a C++ plugin the C++ library may be in no scope of ours: then it
 * is asked for by name. Read next: interpose.c.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "cc.h"
#include "interpose.h"
#include "real.h"
#include "record.h"

/*
 * Where an operator's blocks are recorded. One from the object that malloc
 * comes from usually allocates or frees by itself, but a preload that counts
 * and forwards has operators that end in malloc and free, and jemalloc has some
 * of either kind. The first recorded call of each one tells.
 */
enum kind {
    KIND_UNKNOWN,
    KIND_OWN,    /* here */
    KIND_PASSES, /* in the next hook: only jump on */
};

struct target {
    void *function;
    enum kind kind;
};

static ALWAYS_INLINE enum kind kind_of(const struct target *target)
{
    return __atomic_load_n(&target->kind, __ATOMIC_RELAXED);
}

static void set_kind(struct target *target, bool passes)
{
    __atomic_store_n(&target->kind, passes ? KIND_PASSES : KIND_OWN,
                     __ATOMIC_RELAXED);
}

static void *find_in_library(const char *library, const char *name)
{
    void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
    void *function = NULL;

    if (handle) {
        function = real_find(handle, name);
        dlclose(handle); /* NOLOAD only counted a reference */
    }
    return function;
}

/* Without any C++ library there is no bad_alloc to throw either. */
static void *allocate_plainly(size_t size)
{
    return malloc(size);
}

static COLD void look_up(struct target *target, const char *name,
                         void *fallback)
{
    void *function = real_find(RTLD_NEXT, name);

    if (!function)
        function = find_in_library("libstdc++.so.6", name);
    if (!function)
        function = find_in_library("libc++abi.so.1", name);
    if (!function)
        function = fallback;
    if (real_object_of(function, NULL) != real.object)
        set_kind(target, true);
    __atomic_store_n(&target->function, function, __ATOMIC_RELEASE);
}

/* Returns whether a malloc inside the coming operator new will leave its block
 * in `recorded`, so that end_new() can tell the operator's kind. */
static COLD bool watch_new(void)
{
    struct thread *thread = &thread_self;

    if (!life_joined(thread) || life_mode() == SEGMENT_MODE_OFF)
        return false;
    thread_unready(thread); /* else it may only be counted */
    return true;
}

/* Whether the block that an operator new returned is still to be recorded. */
static ALWAYS_INLINE bool end_new(struct target *target,
                                  const struct record_watch *watch,
                                  const void *block, bool watched)
{
    if (UNLIKELY(watched && block))
        set_kind(target, thread_self.recorded == block);
    return block && !record_seen(watch, block);
}

/* Makes the next hook of this thread forward without recording, so that
 * end_delete() can tell whether there was one. */
static COLD bool watch_delete(void)
{
    struct thread *thread = &thread_self;

    /* While nothing has been recorded, free() looks at nothing. */
    if (!life_joined(thread) || !life_has_recorded())
        return false;
    thread->epoch = THREAD_WATCHED;
    thread_unready(thread);
    return true;
}

static COLD void end_delete(struct target *target)
{
    bool passes = thread_self.epoch != THREAD_WATCHED;

    if (!passes)
        thread_self.epoch = __atomic_load_n(&life->epoch, __ATOMIC_RELAXED);
    set_kind(target, passes);
}

#define DEFINE_NEW(name, parameters, arguments)                                \
    EXPORT void *name parameters                                               \
    {                                                                          \
        static struct target next;                                             \
        void *block;                                                           \
        bool watched;                                                          \
                                                                               \
        if (UNLIKELY(!__atomic_load_n(&next.function, __ATOMIC_ACQUIRE)))      \
            look_up(&next, #name, (void *)allocate_plainly);                   \
        if (LIKELY(kind_of(&next) == KIND_PASSES))                             \
            return ((void *(*)parameters)next.function)arguments;              \
        const struct walk_start start = WALK_START_HERE();                     \
        const struct record_watch watch = record_begin();                      \
        watched = UNLIKELY(kind_of(&next) == KIND_UNKNOWN) && watch_new();     \
        block = ((void *(*)parameters)next.function)arguments;                 \
        if (end_new(&next, &watch, block, watched) &&                          \
            !record_forwards(record_alloc_needs(size)))                        \
            record_alloc(block, size, &start);                                 \
        return block;                                                          \
    }

#define DEFINE_DELETE(name, parameters, arguments)                             \
    EXPORT void name parameters                                                \
    {                                                                          \
        static struct target next;                                             \
        bool watched;                                                          \
                                                                               \
        if (UNLIKELY(!__atomic_load_n(&next.function, __ATOMIC_ACQUIRE)))      \
            look_up(&next, #name, (void *)free);                               \
        if (LIKELY(kind_of(&next) == KIND_PASSES) || !block) {                 \
            ((void(*) parameters)next.function) arguments;                     \
            return;                                                            \
        }                                                                      \
        if (!record_forwards(record_free_needs(block)))                        \
            record_free(block);                                                \
        watched = UNLIKELY(kind_of(&next) == KIND_UNKNOWN) && watch_delete();  \
        ((void(*) parameters)next.function) arguments;                         \
        if (UNLIKELY(watched))                                                 \
            end_delete(&next);                                                 \
    }

INTERPOSE_NEW(DEFINE_NEW)
INTERPOSE_DELETE(DEFINE_DELETE)
