/* SPDX-License-Identifier: MIT */
/*
 * hole.c - primes.c in an executable whose code ends in the middle of a page,
 * far from its data, as GNU ld with old scripts and GHC link them: the loader
 * then knows the pieces by themselves, unrounded.
 * FLAGS: -no-pie -Wl,-z,noseparate-code -Wl,-Tdata=0x1000000
 */
#include "primes.c"
