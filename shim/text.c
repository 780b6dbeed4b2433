/* SPDX-License-Identifier: MIT */
/* text.c - see text.h. */
#include "text.h"

#include <errno.h>

struct text text_in(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct text){.bytes = buffer, .size = size, .length = 0};
}

void text_char(struct text *text, char c)
{
    if (text->length + 1 < text->size) {
        text->bytes[text->length++] = c;
        text->bytes[text->length] = '\0';
    }
}

void text_string(struct text *text, const char *string)
{
    while (*string)
        text_char(text, *string++);
}

void text_number(struct text *text, uint64_t number)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        text_char(text, digits[--count]);
}

const char *text_base_name(const char *path)
{
    const char *base = path;

    for (; *path; path++)
        if (*path == '/')
            base = path + 1;
    return base;
}

int text_parse_number(const char **cursor, uint64_t *number)
{
    const char *next = *cursor;
    uint64_t value = 0;

    if (*next < '0' || *next > '9')
        return -EINVAL;
    for (; *next >= '0' && *next <= '9'; next++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*next - '0'), &value))
            return -EINVAL;
    }
    *cursor = next;
    *number = value;
    return 0;
}
