/* SPDX-License-Identifier: MIT */
/* render_symbol.c - see render_symbol.h. */
#include "render_symbol.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"
#include "segment_modules.h"

#define WORD_SIZE 72 /* of "0b" and 64 digits */

/* As strconv.ParseUint(word, 0, 64), but for underscores. */
static bool parse_address(const char *word, size_t length, uint64_t *address)
{
    char copy[WORD_SIZE], *end, *digits = copy;
    int base = 10;

    if (length == 0 || length >= sizeof(copy))
        return false;
    memcpy(copy, word, length);
    copy[length] = '\0';
    if (copy[0] == '0' && copy[1]) {
        int letter = tolower((unsigned char)copy[1]);

        base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
        digits += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
    }
    if (!isxdigit((unsigned char)*digits)) /* strtoull() takes signs */
        return false;
    errno = 0;
    *address = strtoull(digits, &end, base);
    return !*end && errno == 0 && *address != 0;
}

static int write_symbol(const struct segment_snapshot *snapshot,
                        struct symbolizer *symbolizer, uint64_t address,
                        FILE *out)
{
    const struct segment_module *module =
        segment_module_find(snapshot, address);
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    struct symbol_module_key key;
    char *path, *name;

    if (!module)
        return 0;
    path = segment_module_path(snapshot, module);
    if (!path)
        return -ENOMEM;
    key = segment_module_key(snapshot, module, path);
    if (symbol_module_frames(symbolizer_module(symbolizer, &key), address,
                             frames, SYMBOL_FRAMES_MAX) > 0) {
        name = strdup(frames[0].function);
        if (name) {
            printable_clean(name, strlen(name));
            fprintf(out, "%#" PRIx64 " %s\n", address, name);
        }
        free(name);
    }
    free(path);
    return 0;
}

int render_symbol_write(const struct segment_snapshot *snapshot,
                        struct symbolizer *symbolizer, const char *text,
                        FILE *out)
{
    int err = 0;

    /* Any number above 0 says that there are symbols. */
    fputs("num_symbols: 1\n", out);
    while (*text && !err) {
        size_t length = strcspn(text, "+");
        uint64_t address;

        if (parse_address(text, length, &address))
            err = write_symbol(snapshot, symbolizer, address, out);
        text += length + (text[length] == '+');
    }
    return err;
}

int render_cmdline_write(const struct segment_snapshot *snapshot, FILE *out)
{
    char path[64];
    bool pending = false; /* a NUL that is written if something follows */
    FILE *in = NULL;
    int byte;

    if (snapshot->life == SEGMENT_LIFE_LIVE) {
        snprintf(path, sizeof(path), "/proc/%u/cmdline", snapshot->header.pid);
        in = fopen(path, "re");
    }
    if (!in) {
        fputs(snapshot->header.executable, out);
        return ferror(out) ? -EIO : 0;
    }
    while ((byte = getc(in)) != EOF) {
        if (pending)
            putc('\0', out);
        pending = byte == '\0';
        if (!pending)
            putc(byte, out);
    }
    fclose(in);
    return ferror(out) ? -EIO : 0;
}
