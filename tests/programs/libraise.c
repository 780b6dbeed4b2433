/* SPDX-License-Identifier: MIT */
/*
 * libraise.c - libbump.c with a realloc that raises SIGUSR1 in its middle, so
 * that a handler runs where a signal seldom comes (brood.c).
 */
#include <signal.h>
#include <stdlib.h>

void *resize_quietly(void *block, size_t size);
#define realloc resize_quietly
#include "libbump.c"
#undef realloc

void *realloc(void *block, size_t size)
{
    raise(SIGUSR1);
    return resize_quietly(block, size);
}
