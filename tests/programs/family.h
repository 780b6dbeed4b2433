/* SPDX-License-Identifier: MIT */
/*
 * family.h - what family.c and family_new.cc count of their own calls.
 *
 * A case is one function that allocates a prime number of times. It is its own
 * oracle: it adds up what it was given and what it gave back, in usable sizes.
 * Cases named in the arguments are left out: what an allocator cannot do. At
 * the end two lines a case are printed (family.t reads them):
 *
 *   result CASE NULLS ERRORS MISALIGNED   the same with and without the shim
 *   tally CASE alloc_objects alloc_space free_objects free_space
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE(name)       static __attribute__((noinline)) void name(void)
#define FAMILY_CASES_MAX 64
/* What errno holds before each call: most must leave it. */
#define ERRNO_BEFORE 1000

struct family_case {
    const char *name;
    unsigned long nulls;      /* calls that returned NULL */
    unsigned long errors;     /* errno after every call, added up */
    unsigned long misaligned; /* blocks not aligned as asked */
    unsigned long alloc_objects, alloc_space, free_objects, free_space;
};

static struct family_case family_cases[FAMILY_CASES_MAX];
static struct family_case *family = family_cases - 1;

static void family_begin(const char *name)
{
    if (++family == family_cases + FAMILY_CASES_MAX)
        abort();
    family->name = name;
}

/* Notes what a call returned and left in errno; returns it. */
static inline void *family_note(void *block, size_t alignment)
{
    family->errors += (unsigned long)errno;
    if (!block) {
        family->nulls++;
        return NULL;
    }
    family->misaligned += (uintptr_t)block % alignment != 0;
    family->alloc_objects++;
    family->alloc_space += malloc_usable_size(block);
    return block;
}

#define TRY(call, alignment)                                                   \
    (errno = ERRNO_BEFORE, family_note(call, alignment))

static inline void family_freed(size_t usable)
{
    family->free_objects++;
    family->free_space += usable;
}

/* Gives a block back by a call, which must leave errno. */
#define GIVE(block, call)                                                      \
    do {                                                                       \
        if (block)                                                             \
            family_freed(malloc_usable_size(block));                           \
        errno = ERRNO_BEFORE;                                                  \
        call;                                                                  \
        family->errors += (unsigned long)errno;                                \
    } while (0)

struct family_run {
    const char *name;
    void (*run)(void);
};
/* clang-format off */
#define RUN(name) {#name, name}
/* clang-format on */

static int family_main(int argc, char **argv, const struct family_run *runs,
                       size_t count)
{
    free(malloc(1)); /* an allocator's first steps may move errno */
    for (size_t i = 0; i < count; i++) {
        int skip = 0;

        for (int j = 1; j < argc; j++)
            skip |= strcmp(argv[j], runs[i].name) == 0;
        if (!skip)
            runs[i].run();
    }
    for (const struct family_case *c = family_cases; c <= family; c++)
        printf("result %s %lu %lu %lu\n", c->name, c->nulls, c->errors,
               c->misaligned);
    for (const struct family_case *c = family_cases; c <= family; c++)
        printf("tally %s %lu %lu %lu %lu\n", c->name, c->alloc_objects,
               c->alloc_space, c->free_objects, c->free_space);
    return 0;
}

#endif
