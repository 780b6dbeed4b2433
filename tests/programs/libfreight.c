/* SPDX-License-Identifier: MIT */
/* libfreight.c - libcarry.c with a larger frame: the same code addresses, other
 * unwind rules. */
#define FRAME 112
#include "libcarry.c"
