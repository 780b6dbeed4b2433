/* SPDX-License-Identifier: MIT */
/* hash_bytes.h - FNV-1a, 64 bits: for tables in memory, never for files. */
#ifndef PREPROF_HASH_BYTES_H
#define PREPROF_HASH_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
