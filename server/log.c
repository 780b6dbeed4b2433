/* SPDX-License-Identifier: MIT */
/* log.c - see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

void log_line(const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, "preprof-server: %s\n", line);
}

void log_quote(const char *text, char *quoted, size_t size)
{
    size_t used = 0;

    for (; *text && used + sizeof("\\xff") <= size; text++) {
        if (*text >= ' ' && *text <= '~' && *text != '\\')
            quoted[used++] = *text;
        else
            used += (size_t)snprintf(quoted + used, size - used, "\\x%02x",
                                     (unsigned char)*text);
    }
    quoted[used] = '\0';
}

void log_refusal(unsigned long long now_ms, const char *peer, int status,
                 const char *reason, const char *target)
{
    static unsigned long long period_start;
    static unsigned lines, silent;
    char quoted[LOG_QUOTE_SIZE];

    if (lines == 0 || now_ms - period_start >= LOG_PERIOD_MS) {
        if (silent)
            log_line("%u more requests were refused", silent);
        period_start = now_ms;
        lines = silent = 0;
    }
    if (lines++ >= LOG_REFUSALS_MAX) {
        lines = LOG_REFUSALS_MAX;
        silent++;
        return;
    }
    log_quote(target, quoted, sizeof(quoted));
    log_line("%s: %d: %s: \"%s\"", peer, status, reason, quoted);
}
