/* SPDX-License-Identifier: MIT */
/* finding.c - see finding.h. */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

static unsigned wrong_count;

void finding_write(enum finding finding, const char *advice, const char *format,
                   ...)
{
    static const char *const marks[] = {[FINDING_OK] = "ok",
                                        [FINDING_NOTE] = "note",
                                        [FINDING_WRONG] = "wrong"};
    char *text = NULL;
    va_list values;

    va_start(values, format);
    if (vasprintf(&text, format, values) < 0)
        text = NULL;
    va_end(values);
    if (text)
        printable_clean(text, strlen(text));
    printf("%-6s %s\n", marks[finding], text ? text : "out of memory");
    if (advice)
        printf("       %s\n", advice);
    free(text);
    wrong_count += finding == FINDING_WRONG;
}

unsigned finding_wrong_count(void)
{
    return wrong_count;
}
