/* SPDX-License-Identifier: MIT */
/* doctor_program.c - see doctor_program.h. */
#include "doctor_program.h"

#include <stdlib.h>
#include <string.h>

#include "directory_check.h"
#include "doctor_symbols.h"
#include "finding.h"
#include "program_check.h"
#include "segment_places.h"

static void check_directory(void)
{
    char directory[PATH_MAX], reason[128];

    segment_directory(directory);
    if (directory_check(directory, reason, sizeof(reason)) == 0)
        finding_write(FINDING_OK, NULL, "segments go to %s", directory);
    else
        finding_write(FINDING_WRONG, "Or set PREPROF_DIR.",
                      "no segment can be made in %s: %s", directory, reason);
}

static void check_symbols(const struct program_check *check)
{
    struct symbolizer *symbolizer = symbolizer_new();
    char *path = realpath(check->path, NULL);
    struct symbol_module_key key = {
        .path = path,
        .build_id =
            check->facts.build_id.length ? check->facts.build_id.bytes : NULL,
        .build_id_length = check->facts.build_id.length,
    };

    if (symbolizer && path)
        doctor_symbols(symbolizer, &key, true);
    symbolizer_free(symbolizer);
    free(path);
}

void doctor_program(const char *path)
{
    struct program_check check;
    int err = program_check(path, &check);

    if (err) {
        finding_write(FINDING_WRONG, NULL, "%s: %s", check.path,
                      strerror(-err));
        return;
    }
    if (strcmp(path, check.path) != 0)
        finding_write(FINDING_OK, NULL, "%s is a script: %s runs it", path,
                      check.path);
    if (check.fits)
        finding_write(FINDING_OK, NULL, "%s can be profiled", check.path);
    else
        finding_write(FINDING_WRONG, check.advice, "%s: %s", check.path,
                      check.reason);
    check_directory();
    check_symbols(&check);
}
