/* SPDX-License-Identifier: MIT */
/* mode.c - see mode.h. */
#include "mode.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segment.h"

static const char units[] = "kMG"; /* powers of 1024 */

static int parse_size(const char *text, uint64_t *size)
{
    unsigned shift = 0;
    char *rest;

    if (!isdigit((unsigned char)*text)) /* strtoull() takes signs and blanks */
        return -EINVAL;
    errno = 0;
    *size = strtoull(text, &rest, 10);
    if (errno)
        return -EINVAL;
    for (unsigned i = 0; units[i]; i++)
        if (tolower((unsigned char)*rest) == tolower((unsigned char)units[i]))
            shift = 10 * (i + 1);
    if (shift)
        rest++;
    if (shift && *rest == 'i')
        rest++;
    if (*rest == 'B')
        rest++;
    if (*rest || *size == 0 || *size > SEGMENT_SAMPLE_SIZE_MAX >> shift)
        return -EINVAL;
    *size <<= shift;
    return 0;
}

int mode_parse(const char *text, uint64_t *word)
{
    uint64_t size = SEGMENT_SAMPLE_SIZE_DEFAULT;

    if (strcmp(text, "off") == 0) {
        *word = SEGMENT_MODE_WORD(SEGMENT_MODE_OFF, 0);
    } else if (strcmp(text, "exact") == 0) {
        *word = SEGMENT_MODE_WORD(SEGMENT_MODE_EXACT, 0);
    } else if (strcmp(text, "sample") == 0 ||
               (strncmp(text, "sample=", 7) == 0 &&
                parse_size(text + 7, &size) == 0)) {
        *word = SEGMENT_MODE_WORD(SEGMENT_MODE_SAMPLE, size);
    } else {
        return -EINVAL;
    }
    return 0;
}

void mode_format(uint64_t word, char text[MODE_TEXT_SIZE])
{
    uint64_t size = SEGMENT_SAMPLE_SIZE_OF(word);
    size_t unit = 0;

    switch (SEGMENT_MODE_OF(word)) {
    case SEGMENT_MODE_OFF:
        snprintf(text, MODE_TEXT_SIZE, "off");
        return;
    case SEGMENT_MODE_EXACT:
        snprintf(text, MODE_TEXT_SIZE, "exact");
        return;
    case SEGMENT_MODE_SAMPLE:
        break;
    }
    if (size == SEGMENT_SAMPLE_SIZE_DEFAULT) {
        snprintf(text, MODE_TEXT_SIZE, "sample");
        return;
    }
    for (; size && size % 1024 == 0 && units[unit]; unit++)
        size /= 1024;
    snprintf(text, MODE_TEXT_SIZE, "sample=%" PRIu64 "%.*s", size, unit ? 1 : 0,
             unit ? units + unit - 1 : "");
}
