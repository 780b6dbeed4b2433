/* SPDX-License-Identifier: MIT */
/* quantity.c - see quantity.h. */
#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void quantity_bytes(uint64_t bytes, char text[QUANTITY_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    double scaled = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 " B", bytes);
        return;
    }
    for (; scaled >= 1023.95 && unit < 5; unit++) /* never "1024.0 KiB" */
        scaled /= 1024;
    snprintf(text, QUANTITY_SIZE, "%.1f %s", scaled, units[unit]);
}

void quantity_count(uint64_t count, const char *noun, char text[QUANTITY_SIZE])
{
    snprintf(text, QUANTITY_SIZE, "%" PRIu64 " %s%s", count, noun,
             count == 1 ? "" : "s");
}

void quantity_time(uint64_t time_ns, char text[QUANTITY_SIZE])
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) ||
        strftime(text, QUANTITY_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 " ns", time_ns);
}
