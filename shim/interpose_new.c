/* SPDX-License-Identifier: MIT */
/*
 * interpose_new.c - every replaceable operator new and delete.
 *
 * libstdc++'s operators call malloc and free by name, so interpose.c sees them
 * and these functions only jump on: no frame of ours is on the stack when
 * bad_alloc or a new_handler passes. tcmalloc, mimalloc and jemalloc bring
 * operators that do not call malloc; there the block is recorded here. Which
 * of the two it is, is decided by the object an operator comes from.
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

/* One operator: where it is, and whether its blocks pass through malloc. */
struct target {
    void *function;
    bool records; /* false: the next malloc or free hook does */
};

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
    target->records = real_object_of(function, NULL) == real.object;
    __atomic_store_n(&target->function, function, __ATOMIC_RELEASE);
}

#define DEFINE_NEW(name, parameters, arguments)                                \
    EXPORT void *name parameters                                               \
    {                                                                          \
        static struct target next;                                           \
        void *block;                                                           \
                                                                               \
        if (UNLIKELY(!__atomic_load_n(&next.function, __ATOMIC_ACQUIRE)))      \
            look_up(&next, #name, (void *)allocate_plainly);                   \
        if (LIKELY(!next.records))                                             \
            return ((void *(*)parameters)next.function)arguments;              \
        const struct walk_start start = WALK_START_HERE();                     \
        thread_self.recorded = NULL;                                           \
        block = ((void *(*)parameters)next.function)arguments;                 \
        if (LIKELY(block && !thread_self.recorded) &&                          \
            !record_skips_alloc(size))                                         \
            record_alloc(block, size, &start);                                 \
        return block;                                                          \
    }

#define DEFINE_DELETE(name, parameters, arguments)                             \
    EXPORT void name parameters                                                \
    {                                                                          \
        static struct target next;                                           \
                                                                               \
        if (UNLIKELY(!__atomic_load_n(&next.function, __ATOMIC_ACQUIRE)))      \
            look_up(&next, #name, (void *)free);                               \
        if (UNLIKELY(next.records && block) && !record_skips_free(block))      \
            record_free(block);                                                \
        ((void (*)parameters)next.function)arguments;                          \
    }

INTERPOSE_NEW(DEFINE_NEW)
INTERPOSE_DELETE(DEFINE_DELETE)
