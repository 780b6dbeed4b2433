/* SPDX-License-Identifier: MIT */
/*
 * sym_inline.h - functions inlined from another file, three deep.
 * Read next: sym_c.c.
 */
#ifndef SYM_INLINE_H
#define SYM_INLINE_H

#include <stddef.h>

static inline unsigned inline_rotate(unsigned word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static inline unsigned inline_mix(unsigned word, unsigned key)
{
    word ^= inline_rotate(key, 7);
    word *= 0x9e3779b1u;
    return inline_rotate(word, 13) + key;
}

static inline unsigned inline_random(unsigned *state)
{
    *state = inline_mix(*state, 0x85ebca6bu);
    return inline_rotate(*state, 3);
}

static inline unsigned inline_digest(const unsigned *words, size_t count)
{
    unsigned digest = 1;
    for (size_t i = 0; i < count; i++)
        digest = inline_mix(digest, words[i]);
    return digest;
}

#endif
