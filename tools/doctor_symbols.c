/* SPDX-License-Identifier: MIT */
/* doctor_symbols.c - see doctor_symbols.h. */
#include "doctor_symbols.h"

#include <string.h>

#include "finding.h"

static const char *const states[] = {
    [SYMBOL_FULL] = "functions, inlined frames and lines",
    [SYMBOL_NAMES] = "functions, no lines: build it with -g",
    [SYMBOL_DYNAMIC] = "exported functions only: it is stripped",
    [SYMBOL_NONE] = "no names at all",
};

void doctor_symbols(struct symbolizer *symbolizer,
                    const struct symbol_module_key *key, bool is_main)
{
    struct symbol_module *module = symbolizer_module(symbolizer, key);
    enum symbol_state state = symbol_module_state(module);
    const char *note = symbol_module_note(module);
    const char *slash = strrchr(key->path, '/');
    const char *name = slash ? slash + 1 : key->path;

    if (!is_main && state == SYMBOL_FULL && !note)
        return;
    if (note)
        finding_write(FINDING_NOTE, NULL, "%s", note);
    else
        finding_write(state == SYMBOL_FULL ? FINDING_OK : FINDING_NOTE, NULL,
                      "%s: %s", name, states[state]);
}
