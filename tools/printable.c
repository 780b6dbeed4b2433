/* SPDX-License-Identifier: MIT */
/* printable.c - see printable.h. */
#include "printable.h"

#include <stdint.h>

/* The length of the valid UTF-8 sequence at `text`, or 0 (RFC 3629: shortest
 * form, no surrogates, up to U+10FFFF). */
static size_t sequence_length(const uint8_t *text, size_t room)
{
    uint32_t code, least;
    size_t length;

    if (text[0] < 0x80)
        return 1;
    if ((text[0] & 0xe0) == 0xc0) {
        length = 2, least = 0x80, code = text[0] & 0x1f;
    } else if ((text[0] & 0xf0) == 0xe0) {
        length = 3, least = 0x800, code = text[0] & 0x0f;
    } else if ((text[0] & 0xf8) == 0xf0) {
        length = 4, least = 0x10000, code = text[0] & 0x07;
    } else {
        return 0;
    }
    if (length > room)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

void printable_clean(char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t valid = sequence_length((const uint8_t *)text + i, length - i);

        if (valid == 0 ||
            (valid == 1 && ((uint8_t)text[i] < 0x20 || text[i] == 0x7f))) {
            text[i] = '?';
            valid = 1;
        }
        i += valid;
    }
}
