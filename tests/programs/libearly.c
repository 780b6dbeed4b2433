/* SPDX-License-Identifier: MIT */
/*
 * libearly.c - preloaded in front of the shim, it has a dlsym() that allocates
 * before it goes on to libc's, as libc's own once did; so the shim, which looks
 * its allocator up with it, is asked for blocks before there is one (hazards
 * A5). At the end of the process they are given back in every way, and it says
 * how many kept what was written to them.
 *
 * The jump to libc's dlsym() must leave the caller's address on the stack: from
 * it libc knows what RTLD_NEXT means. FLAGS: -O2
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_MAX 60 /* they fit the shim's arena */

typedef void *find(void *handle, const char *name);

static char *early[EARLY_MAX];
static size_t count;
static find *libc_dlsym;

static void *make(size_t size)
{
    void *aligned = NULL;

    switch (count % 4) {
    case 0:
        return malloc(size);
    case 1:
        return calloc(1, size);
    case 2:
        return realloc(NULL, size);
    default:
        return posix_memalign(&aligned, 64, size) == 0 ? aligned : NULL;
    }
}

static void allocate(void)
{
    static bool busy;
    size_t size = 30 + count;

    if (busy || count == EARLY_MAX)
        return;
    busy = true;
    early[count] = make(size);
    if (early[count])
        memset(early[count], (int)count, size);
    count++;
    busy = false;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    if (!libc_dlsym)
        libc_dlsym = (find *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    allocate();
    return libc_dlsym(handle, name);
}

/* Whether a block still holds what was written to it, also where it moved. */
static bool is_whole(char *block, size_t number)
{
    size_t size = 30 + number;

    if (!block || malloc_usable_size(block) < size)
        return false;
    if (number % 3 == 0)
        block = realloc(block, 5000);
    else if (number % 3 == 1)
        block = reallocarray(block, 10, 500);
    for (size_t i = 0; block && i < size; i++)
        if (block[i] != (char)number)
            return false;
    free(block);
    return block != NULL;
}

static __attribute__((destructor)) void give_back(void)
{
    size_t whole = 0;

    for (size_t i = 0; i < count; i++)
        whole += is_whole(early[i], i);
    fprintf(stderr, "libearly: %zu of %zu\n", whole, count);
}
