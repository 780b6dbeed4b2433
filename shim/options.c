/* SPDX-License-Identifier: MIT */
/* options.c - see options.h. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "os.h"
#include "segment.h"
#include "text.h"

struct options options = {
    .mode_word =
        SEGMENT_MODE_WORD(SEGMENT_MODE_SAMPLE, SEGMENT_SAMPLE_SIZE_DEFAULT),
};

/* Reads "512", "512k", "512KiB", "1M" ...; 0 or -EINVAL. */
static int parse_size(const char *text, uint64_t *size)
{
    static const char units[] = "kmg";
    unsigned shift = 0;

    if (text_parse_number(&text, size) != 0)
        return -EINVAL;
    for (unsigned i = 0; *text && units[i]; i++) {
        if ((*text | 0x20) == units[i]) {
            shift = 10 * (i + 1);
            text++;
            break;
        }
    }
    if (shift && *text == 'i')
        text++;
    if (*text == 'B')
        text++;
    if (*text || *size == 0 || *size > SEGMENT_SAMPLE_SIZE_MAX >> shift)
        return -EINVAL;
    *size <<= shift;
    return 0;
}

int options_parse_mode(const char *value, uint64_t *mode_word)
{
    uint64_t size = SEGMENT_SAMPLE_SIZE_DEFAULT;

    if (strcmp(value, "off") == 0) {
        *mode_word = SEGMENT_MODE_WORD(SEGMENT_MODE_OFF, 0);
        return 0;
    }
    if (strcmp(value, "exact") == 0) {
        *mode_word = SEGMENT_MODE_WORD(SEGMENT_MODE_EXACT, 0);
        return 0;
    }
    if (strncmp(value, "sample", 6) != 0 ||
        (value[6] != '\0' &&
         (value[6] != '=' || parse_size(value + 7, &size) != 0)))
        return -EINVAL;
    *mode_word = SEGMENT_MODE_WORD(SEGMENT_MODE_SAMPLE, size);
    return 0;
}

static void make_absolute(char *buffer, const char *path)
{
    struct text text = text_in(buffer, OPTIONS_PATH_MAX);

    if (path[0] != '/') {
        long length = os_working_directory(buffer, OPTIONS_PATH_MAX - 1);

        if (length > 0) {
            text.length = (size_t)length;
            text_char(&text, '/');
        }
    }
    text_string(&text, path);
}

void options_choose_directory(char *buffer)
{
    struct text text = text_in(buffer, OPTIONS_PATH_MAX);

    if (options.directory[0]) {
        text_string(&text, options.directory);
        return;
    }
    text_string(&text, "/dev/shm/preprof-");
    text_number(&text, (uint64_t)os_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0));
}

void options_read(void)
{
    static bool done;
    const char *value;

    if (done)
        return;
    done = true;
    value = getenv("PREPROF_VERBOSE");
    options.verbose = value && *value && strcmp(value, "0") != 0;
    value = getenv("PREPROF_MODE");
    if (value && *value && options_parse_mode(value, &options.mode_word) != 0)
        options_complain("PREPROF_MODE is not off, sample[=SIZE] or exact",
                         value);
    value = getenv("PREPROF_LOCKS");
    options.locks = value && strcmp(value, "1") == 0;
    if (value && *value && !options.locks && strcmp(value, "0") != 0)
        options_complain("PREPROF_LOCKS is not 0 or 1", value);
    value = getenv("PREPROF_ONLY");
    if (value) {
        struct text only = text_in(options.only, sizeof(options.only));

        text_string(&only, value);
    }
    value = getenv("PREPROF_OUT");
    if (value && *value)
        make_absolute(options.output, value);
    value = getenv("PREPROF_DIR");
    if (value && *value)
        make_absolute(options.directory, value);
}

void options_expand_output(char *buffer, uint32_t pid, const char *program)
{
    struct text text = text_in(buffer, OPTIONS_PATH_MAX);

    for (const char *p = options.output; *p; p++) {
        if (*p != '%' || (p[1] != 'p' && p[1] != 'n' && p[1] != '%')) {
            text_char(&text, *p);
            continue;
        }
        p++;
        if (*p == 'p')
            text_number(&text, pid);
        else if (*p == 'n')
            text_string(&text, program);
        else
            text_char(&text, '%');
    }
}

void options_complain(const char *what, const char *detail)
{
    char line[256];
    struct text text = text_in(line, sizeof(line) - 1);

    if (!options.verbose)
        return;
    text_string(&text, "preprof: ");
    text_string(&text, what);
    if (detail) {
        text_string(&text, ": ");
        text_string(&text, detail);
    }
    line[text.length] = '\n';
    os_write_all(2, line, text.length + 1);
}
