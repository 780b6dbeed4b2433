/* SPDX-License-Identifier: MIT */
/* render_request.c - see render_request.h. */
#include "render_request.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

/* What was read so far, as text. */
struct values {
    const char *kind, *directory, *format, *symbols, *program, *pid, *debug,
        *limit, *window, *id, *hz, *cursor;
};

static const char **value_of(struct values *values, const char *key)
{
    const struct {
        const char *key;
        const char **value;
    } keys[] = {{"kind", &values->kind},     {"dir", &values->directory},
                {"format", &values->format}, {"symbols", &values->symbols},
                {"pid", &values->pid},       {"debug", &values->debug},
                {"limit", &values->limit},   {"exe", &values->program},
                {"window", &values->window}, {"id", &values->id},
                {"hz", &values->hz},         {"cursor", &values->cursor}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i].key) == 0)
            return keys[i].value;
    return NULL;
}

static const char *parse_line(struct values *values, char *line)
{
    char *equals = strchr(line, '=');
    const char **value;

    if (!equals)
        return "a line without '='";
    *equals = '\0';
    value = value_of(values, line);
    if (!value)
        return "an unknown key";
    if (*value)
        return "a key that comes twice";
    *value = equals + 1;
    return NULL;
}

/* Digits only, at most `max`. */
static bool parse_number(const char *text, unsigned long max,
                         unsigned long *number)
{
    char *end;

    *number = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && *number <= max;
}

const char *render_request_parse(char *body, size_t size,
                                 struct render_request *request)
{
    struct values values = {.kind = NULL};
    unsigned long number;

    *request = (struct render_request){.kind = NULL};
    if (memchr(body, '\0', size))
        return "a NUL byte";
    body[size] = '\0';
    while (*body) {
        char *end = strchr(body, '\n');
        const char *problem;

        if (!end)
            return "a last line without newline";
        *end = '\0';
        problem = parse_line(&values, body);
        if (problem)
            return problem;
        body = end + 1;
    }
    request->kind = values.kind;
    request->directory = values.directory;
    request->format = values.format;
    request->symbols = values.symbols;
    request->program = values.program;
    if (!request->kind)
        return "no kind";
    if (values.pid && values.program)
        return "both pid and exe";
    if (values.pid) {
        if (!parse_number(values.pid, INT32_MAX, &number) || number == 0)
            return "pid is no process id";
        request->pid = (uint32_t)number;
    }
    if (values.debug) {
        if (!parse_number(values.debug, INT_MAX, &number))
            return "debug is no number";
        request->debug = (int)number;
    }
    if (!values.window != !values.id)
        return "a window and its id come together";
    if (values.window) {
        if (strcmp(values.window, "begin") != 0 &&
            strcmp(values.window, "end") != 0 &&
            strcmp(values.window, "drop") != 0)
            return "window is not begin, end or drop";
        if (!parse_number(values.id, UINT32_MAX, &number) || number == 0)
            return "id is no positive number";
        request->window = values.window;
        request->id = (uint32_t)number;
    }
    if (values.hz) {
        if (!parse_number(values.hz, RENDER_HZ_MAX, &number) || number == 0)
            return "hz is not 1 to 1000";
        request->hz = (uint32_t)number;
    }
    if (values.cursor) {
        if (strlen(values.cursor) > RENDER_CURSOR_MAX)
            return "cursor is longer than 255 bytes";
        if (values.window)
            return "both window and cursor";
        request->cursor = values.cursor;
    }
    if (values.limit) {
        if (!parse_number(values.limit, UINT32_MAX, &number) || number == 0)
            return "limit is no positive number";
        request->limit = (uint32_t)number;
    }
    return NULL;
}
