/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - reading unwind tables without ever leaving them.
 *
 * A cursor reads [next, end). After a read that would pass the end it is `bad`
 * for good and every value is 0, so a caller checks once, at the end. Little
 * endian, as is the machine. Read next: fde.h.
 */
#ifndef PREPROF_CURSOR_H
#define PREPROF_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *next, *end;
    bool bad;
};

static inline uint64_t cursor_bytes(struct cursor *c, size_t size)
{
    uint64_t value = 0;

    if (c->bad || (size_t)(c->end - c->next) < size) {
        c->bad = true;
        return 0;
    }
    memcpy(&value, c->next, size);
    c->next += size;
    return value;
}

/* The same, with the sign of the highest of the bytes. */
static inline int64_t cursor_signed(struct cursor *c, size_t size)
{
    unsigned unused = 64 - 8 * (unsigned)size;

    return (int64_t)(cursor_bytes(c, size) << unused) >> unused;
}

static inline void cursor_skip(struct cursor *c, uint64_t size)
{
    if (c->bad || (uint64_t)(c->end - c->next) < size)
        c->bad = true;
    else
        c->next += size;
}

/* The bits of a LEB128 number, and how many there were; *last is its last
 * byte, which has the sign. */
static inline uint64_t cursor_leb(struct cursor *c, unsigned *bits,
                                  uint8_t *last)
{
    uint64_t value = 0;

    *bits = 0;
    do {
        *last = (uint8_t)cursor_bytes(c, 1);
        if (*bits < 64)
            value |= (uint64_t)(*last & 0x7f) << *bits;
        *bits += 7;
    } while (*last & 0x80);
    return value;
}

static inline uint64_t cursor_uleb(struct cursor *c)
{
    unsigned bits;
    uint8_t last;

    return cursor_leb(c, &bits, &last);
}

static inline int64_t cursor_sleb(struct cursor *c)
{
    unsigned bits;
    uint8_t last;
    uint64_t value = cursor_leb(c, &bits, &last);

    if (bits < 64 && (last & 0x40))
        value |= ~UINT64_C(0) << bits;
    return (int64_t)value;
}

/* The cursor over a block that begins with its length, ended there. */
static inline struct cursor cursor_block(const uint8_t *block,
                                         const uint8_t *end)
{
    struct cursor c = {block, end, block > end};
    uint64_t size = cursor_uleb(&c);

    if (!c.bad && size <= (uint64_t)(c.end - c.next))
        c.end = c.next + size;
    else
        c.bad = true;
    return c;
}

#endif
