/* SPDX-License-Identifier: MIT */
/*
 * real.h - the next allocator: whatever RTLD_NEXT gives.
 *
 * `real` can be called through from the very first instruction: its pointers
 * start at functions that look the allocator up and forward. It never adds a
 * header, never changes a size, and never mixes two allocators silently
 * (hazards A1, A6). Read next: interpose.c, which forwards to it.
 */
#ifndef PREPROF_REAL_H
#define PREPROF_REAL_H

#include <stdbool.h>
#include <stddef.h>

#include "cc.h"

enum allocator {
    ALLOCATOR_OTHER,
    ALLOCATOR_GLIBC,
    ALLOCATOR_JEMALLOC,
    ALLOCATOR_TCMALLOC,
    ALLOCATOR_MIMALLOC,
};

struct real {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    int (*posix_memalign)(void **block, size_t alignment, size_t size);
    void *(*aligned_alloc)(size_t alignment, size_t size);
    void *(*memalign)(size_t alignment, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
    size_t (*malloc_usable_size)(void *block);

    bool resolved;
    bool mixed;            /* the family comes from more than one object */
    bool size_in_header;   /* glibc: the chunk header proved equal */
    bool boot_used;        /* blocks of boot.h's are about */
    const char *heap_tool; /* a sanitizer, or valgrind, that owns the heap, or
                              NULL */
    enum allocator allocator;
    const void *object; /* base address of the object malloc comes from */
    const char *object_path;
};

extern HIDDEN struct real real;

/* Looks everything up; idempotent. Threads: any. While it runs, allocations
 * of the process come from boot.h. */
void real_resolve(void);

/* dlsym(handle, name); RTLD_NEXT is the next definition behind the shim. A
 * missing symbol makes dlsym allocate from the first malloc in scope, which may
 * be the program's own: nothing that may be missing is looked up before the
 * program runs, and afterwards boot.h serves what reaches our hooks. */
void *real_find(void *handle, const char *name);

/* Base address of the object that contains this code address, or NULL; its
 * path goes to *path when path is not NULL. */
const void *real_object_of(const void *address, const char **path);

/* The two words HeapSys is made of, asked of the allocator (design 3.2); both
 * 0 and false when it does not say. May take long and takes its locks. */
struct real_heap {
    size_t system; /* bytes obtained from the kernel */
    size_t in_use; /* bytes of it in use, by the allocator's own account */
};
bool real_heap_read(struct real_heap *heap);

/* In glibc's chunk header: the chunk came from mmap, and the size's flags. */
#define REAL_CHUNK_MMAPPED 2u
#define REAL_CHUNK_FLAGS   7u

/* Reads malloc_usable_size() of a block that is not NULL and not boot.h's,
 * where that can be had without a call. `in_header` is real.size_in_header, for
 * those who know it. */
static ALWAYS_INLINE bool real_read_size(const void *block, bool in_header,
                                         size_t *size)
{
    size_t word;

    if (UNLIKELY(!in_header))
        return false;
    word = ((const size_t *)block)[-1];
    *size = (word & ~(size_t)REAL_CHUNK_FLAGS) - sizeof(size_t);
    return LIKELY(!(word & REAL_CHUNK_MMAPPED));
}

/* The same in any case. */
static ALWAYS_INLINE size_t real_usable_size_in(void *block, bool in_header)
{
    size_t size;

    return LIKELY(real_read_size(block, in_header, &size))
               ? size
               : real.malloc_usable_size(block);
}

static ALWAYS_INLINE size_t real_usable_size(void *block)
{
    return real_usable_size_in(block, real.size_in_header);
}

#endif
