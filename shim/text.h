/* SPDX-License-Identifier: MIT */
/*
 * text.h - building short strings without stdio or locale.
 *
 * A text is a caller's buffer that is always terminated and silently cut at
 * its end. Threads: any, each with its own text. Async-signal-safe.
 */
#ifndef PREPROF_TEXT_H
#define PREPROF_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;
    size_t size;   /* of the buffer, > 0 */
    size_t length; /* without the NUL */
};

struct text text_in(char *buffer, size_t size);
void text_char(struct text *text, char c);
void text_string(struct text *text, const char *string);
void text_number(struct text *text, uint64_t number);

/* The part of a path after its last slash. */
const char *text_base_name(const char *path);

/* Reads decimal digits at *cursor and moves it behind them. Returns 0 or
 * -EINVAL (no digit, or more than fits). */
int text_parse_number(const char **cursor, uint64_t *number);

#endif
