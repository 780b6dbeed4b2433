/* SPDX-License-Identifier: MIT */
/*
 * demangle.c - linkage names as people write them.
 * Must never let a hostile name take unbounded time or memory.
 * Read next: symbolize.c.
 */
#include "demangle.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/*
 * libiberty prints D names into a string of its own only. A type that refers
 * back to k others is k times as long as they are, so n back references stand
 * for at most 3^(n/3) times the name: 6561 for 24.
 */
#define DEMANGLE_D_BACK_REFERENCES_MAX 24
#define DEMANGLE_D_NAME_MAX            1024

/* Where a demangler prints to, and where to go when it prints too much. */
struct demangle_sink {
    char *text;
    size_t length;
    jmp_buf full;
};

/*
 * The demanglers cannot be told to stop and go on printing for as long as an
 * expansion takes (2^n for n pairs of back references, measured: 1 GiB from
 * 400 bytes). They keep their state on the stack and hold nothing when they
 * call this, so leaving by longjmp is clean.
 */
static void demangle_print(const char *piece, size_t size, void *opaque)
{
    struct demangle_sink *sink = opaque;
    if (size >= DEMANGLE_SIZE_MAX - sink->length)
        longjmp(sink->full, 1);
    memcpy(sink->text + sink->length, piece, size);
    sink->length += size;
}

static bool demangle_d(const char *name, struct demangle_sink *sink)
{
    size_t back_references = 0;
    for (const char *at = name; *at != '\0'; at++)
        back_references += *at == 'Q';
    if (back_references > DEMANGLE_D_BACK_REFERENCES_MAX ||
        strlen(name) > DEMANGLE_D_NAME_MAX)
        return false;
    char *text = dlang_demangle(name, DMGL_NO_OPTS);
    if (text == NULL)
        return false;
    size_t length = strlen(text);
    bool fits = length > 0 && length < DEMANGLE_SIZE_MAX;
    if (fits) {
        memcpy(sink->text, text, length);
        sink->length = length;
    }
    free(text);
    return fits;
}

bool demangle_is_mangled(const char *name)
{
    return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0 ||
           strncmp(name, "_D", 2) == 0 || strncmp(name, "_GLOBAL_", 8) == 0;
}

bool demangle(const char *name, char text[DEMANGLE_SIZE_MAX], size_t *length)
{
    struct demangle_sink sink = {.text = text};
    if (!demangle_is_mangled(name))
        return false;
    if (setjmp(sink.full) != 0)
        return false;
    /*
     * Rust first: its older names are valid C++ names too. Without
     * DMGL_PARAMS, so ".cold" and the like are dropped together with the
     * parameters; with libiberty's own limit on nesting and length.
     */
    bool known = false;
    if (name[1] == 'D')
        known = demangle_d(name, &sink);
    else
        known =
            rust_demangle_callback(name, DMGL_ANSI, demangle_print, &sink) != 0;
    if (!known && name[1] != 'D') {
        sink.length = 0;
        known = cplus_demangle_v3_callback(name, DMGL_ANSI, demangle_print,
                                           &sink) != 0;
    }
    if (!known || sink.length == 0)
        return false;
    text[sink.length] = '\0';
    *length = sink.length;
    return true;
}
