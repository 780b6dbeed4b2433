/* SPDX-License-Identifier: MIT */
/* libquirk.c - a library that calls malloc and free by itself, to be loaded in
 * ways in which those are not the program's (quirks.c). */
#include <stdlib.h>

void *quirk_allocate(size_t size);
void *quirk_allocate(size_t size)
{
    return malloc(size);
}

void quirk_free(void *block);
void quirk_free(void *block)
{
    free(block);
}
