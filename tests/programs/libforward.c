/* SPDX-License-Identifier: MIT */
/* libforward.c - preloaded, it forwards malloc and free and does nothing else:
 * what any preload costs (tests/bench/parts.py). FLAGS: -ldl */
#include <dlfcn.h>
#include <stddef.h>

static void *(*next_malloc)(size_t size);
static void (*next_free)(void *block);

static __attribute__((constructor)) void look_up(void)
{
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
}

/* Also before the constructor: the loader and libc allocate early. */
void *malloc(size_t size)
{
    if (__builtin_expect(!next_malloc, 0))
        look_up();
    return next_malloc(size);
}

void free(void *block)
{
    if (__builtin_expect(!next_free, 0))
        look_up();
    next_free(block);
}
