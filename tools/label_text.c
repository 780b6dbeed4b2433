/* SPDX-License-Identifier: MIT */
/* label_text.c - see label_text.h. */
#include "label_text.h"

#include <ctype.h>
#include <stdbool.h>

static void write_quoted(const char *text, FILE *out)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

static bool is_word(const char *text)
{
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return !*text;
}

static void write_bare(const char *text, FILE *out)
{
    if (is_word(text))
        fputs(text, out);
    else
        write_quoted(text, out);
}

static void write_set(struct profile_label_set set, const char *colon,
                      void (*write)(const char *text, FILE *out), FILE *out)
{
    putc('{', out);
    for (size_t i = 0; i < set.count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        write(set.labels[i].key, out);
        fputs(colon, out);
        write(set.labels[i].value, out);
    }
    putc('}', out);
}

void label_text_write(struct profile_label_set set, FILE *out)
{
    write_set(set, ":", write_quoted, out);
}

void label_text_write_bare(struct profile_label_set set, FILE *out)
{
    write_set(set, ": ", write_bare, out);
}
