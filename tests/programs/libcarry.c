/* SPDX-License-Identifier: MIT */
/* libcarry.c - see detours.c. FRAME is what libfreight.c has more of. */
#include <stddef.h>

void keep(size_t size);
void carry(size_t size);

#ifndef FRAME
#define FRAME 16
#endif

__attribute__((constructor)) static void carry_constructor(void)
{
    keep(1033);
    __asm__ volatile("" ::: "memory");
}

void carry(size_t size)
{
    volatile char room[FRAME];

    room[0] = 1;
    keep(size);
    room[FRAME - 1] = room[0];
}
