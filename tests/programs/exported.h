/* SPDX-License-Identifier: MIT */
/*
 * exported.h - the malloc family of an allocator for tests, built on allocate()
 * of the file that includes it behind that, whose blocks read as zeros. free(),
 * realloc() and malloc_usable_size() are the file's own.
 */
#ifndef TESTS_EXPORTED_H
#define TESTS_EXPORTED_H

/* What the functions are built on. A call by an exported name is a call of the
 * shim: libbump_named.c makes them. */
#ifndef BUILT_ON
#define BUILT_ON allocate
#endif

void *malloc(size_t size);
void free(void *block);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **block, size_t alignment, size_t size);
size_t malloc_usable_size(void *block);

void *memalign(size_t alignment, size_t size)
{
    return allocate(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return BUILT_ON(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made;

    if (alignment % sizeof(void *) || !alignment || alignment & (alignment - 1))
        return EINVAL;
    made = BUILT_ON(alignment, size);
    if (made)
        *block = made;
    return made ? 0 : ENOMEM;
}

void *malloc(size_t size)
{
    return BUILT_ON(16, size);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return BUILT_ON(16, bytes);
}

#endif
