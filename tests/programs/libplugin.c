/* SPDX-License-Identifier: MIT */
/* libplugin.c - a library to be loaded and unloaded: it has the program's
 * allocator called from a frame of its own. */
#include <stddef.h>

void *plugin(void *(*allocate)(size_t), size_t size);
void *plugin(void *(*allocate)(size_t), size_t size)
{
    void *block = allocate(size * 3);

    __asm__ volatile("" : "+r"(block)); /* no tail call */
    return block;
}
