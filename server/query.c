/* SPDX-License-Identifier: MIT */
/* query.c - see query.h. */
#include "query.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_IMPOSSIBLE "\x1a"

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

ptrdiff_t query_decode(const char *text, size_t size, bool plus, char *out)
{
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        char byte = text[i];

        if (byte == '+' && plus) {
            byte = ' ';
        } else if (byte == '%') {
            int high = size - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = size - i > 2 ? hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return -1;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (byte == '\0')
            return -1;
        out[length++] = byte;
    }
    out[length] = '\0';
    return (ptrdiff_t)length;
}

void query_encode(const char *text, char *out)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte)))
            *out++ = (char)byte;
        else
            out += sprintf(out, "%%%02X", byte);
    }
    *out = '\0';
}

/* Is this pair's key `key`? Keys of ours are short and need no escape, so one
 * that decodes to more than QUERY_VALUE_MAX bytes is another. */
static bool is_key(const char *text, size_t size, const char *key)
{
    char decoded[3 * QUERY_VALUE_MAX + 1];

    return size < sizeof(decoded) &&
           query_decode(text, size, true, decoded) >= 0 &&
           strcmp(decoded, key) == 0;
}

static void read_value(const char *text, size_t size, char *value)
{
    char decoded[3 * QUERY_VALUE_MAX + 1];
    ptrdiff_t length = -1;

    if (size < sizeof(decoded))
        length = query_decode(text, size, true, decoded);
    if (length < 0 || length > QUERY_VALUE_MAX)
        strcpy(value, VALUE_IMPOSSIBLE);
    else
        strcpy(value, decoded);
}

/* A malformed escape makes Go drop the pair, a NUL does not. */
static bool is_malformed(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ';')
            return true;
        if (text[i] == '%' && (size - i <= 2 || hex_digit(text[i + 1]) < 0 ||
                               hex_digit(text[i + 2]) < 0))
            return true;
    }
    return false;
}

bool query_find(const char *query, const char *key,
                char value[QUERY_VALUE_MAX + 1])
{
    while (*query) {
        size_t size = strcspn(query, "&");
        const char *equals = memchr(query, '=', size);
        size_t key_size = equals ? (size_t)(equals - query) : size;

        if (!is_malformed(query, size) && is_key(query, key_size, key)) {
            if (equals)
                read_value(equals + 1, size - key_size - 1, value);
            else
                value[0] = '\0';
            return true;
        }
        query += size + (query[size] == '&');
    }
    value[0] = '\0';
    return false;
}

int query_parse_int(const char *text, int64_t *number)
{
    bool negative = *text == '-';
    int64_t value = 0; /* below zero, where there is one number more */

    *number = 0;
    text += *text == '-' || *text == '+';
    if (*text == '\0')
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *text - '0', &value)) {
            *number = negative ? INT64_MIN : INT64_MAX;
            return -ERANGE;
        }
    }
    if (!negative && value == INT64_MIN) {
        *number = INT64_MAX;
        return -ERANGE;
    }
    *number = negative ? value : -value;
    return 0;
}

int query_parse_float(const char *text, double *number)
{
    char *end;

    /* strtod takes spaces, hexadecimal digits and names as well. */
    if (!*text || text[strspn(text, "0123456789+-.eE")])
        return -EINVAL;
    *number = strtod(text, &end);
    return *end || !isfinite(*number) ? -EINVAL : 0;
}

int query_parse_size(const char *text, uint64_t *size)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"", 1},          {"B", 1},           {"kB", 1000},
                 {"MB", 1000000},  {"GB", 1000000000}, {"KiB", 1 << 10},
                 {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    size_t digits = strspn(text, "0123456789");
    uint64_t value = 0, unit = 0;
    bool overflow = false;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text + digits, units[i].name) == 0)
            unit = units[i].bytes;
    if (digits == 0 || unit == 0)
        return -EINVAL;
    for (size_t i = 0; i < digits; i++) {
        overflow |= __builtin_mul_overflow(value, 10, &value);
        overflow |= __builtin_add_overflow(value, text[i] - '0', &value);
    }
    overflow |= __builtin_mul_overflow(value, unit, &value);
    overflow |= value > INT64_MAX;
    *size = overflow ? INT64_MAX : value;
    return overflow ? -ERANGE : 0;
}
