/* SPDX-License-Identifier: MIT */
/*
 * libbump_named.c - libbump.c with everything built on memalign, by its name:
 * an allocator whose every allocation the shim sees twice, and counts once.
 */
#define BUILT_ON memalign
#include "libbump.c"
