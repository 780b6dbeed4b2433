/* SPDX-License-Identifier: MIT */
/*
 * mode.h - what is recorded, as people write it and as a segment holds it.
 *
 *   off | sample[=SIZE] | exact      SIZE in bytes, or with k, M, G (powers of
 *                                    1024; "KiB" and "kB" spellings too)
 *
 * The shim reads the same grammar (shim/options.h). Read next: segment.h.
 */
#ifndef PREPROF_MODE_H
#define PREPROF_MODE_H

#include <stdint.h>

#define MODE_TEXT_SIZE 32 /* of the longest, with the NUL */

/* Returns 0 and the mode word of a segment, or -EINVAL. */
int mode_parse(const char *text, uint64_t *word);

/* Writes a mode word so that mode_parse() reads it: "sample" for the default
 * distance, "sample=64k" for another. */
void mode_format(uint64_t word, char text[MODE_TEXT_SIZE]);

#endif
