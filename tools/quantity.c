/* SPDX-License-Identifier: MIT */
/* quantity.c - see quantity.h. */
#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Below 1024 of its unit, which is an index: 0 for bytes. */
static double scale(uint64_t bytes, unsigned *unit)
{
    double scaled = (double)bytes;

    for (*unit = 0; scaled >= (*unit ? 1023.95 : 1024); ++*unit)
        scaled /= 1024; /* never "1024.0 KiB" */
    return scaled;
}

void quantity_bytes(uint64_t bytes, char text[QUANTITY_SIZE])
{
    static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    unsigned unit;
    double scaled = scale(bytes, &unit);

    snprintf(text, QUANTITY_SIZE, unit ? "%.1f %s" : "%.0f %s", scaled,
             units[unit]);
}

void quantity_bytes_narrow(int64_t bytes, char text[QUANTITY_SIZE])
{
    static const char *const units[] = {"", "K", "M", "G", "T", "P", "E"};
    uint64_t amount = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    unsigned unit;
    double scaled = scale(amount, &unit);

    snprintf(text, QUANTITY_SIZE, unit ? "%s%.1f%s" : "%s%.0f%s",
             bytes < 0 ? "-" : "", scaled, units[unit]);
}

void quantity_duration(uint64_t ns, char text[QUANTITY_SIZE])
{
    uint64_t s = ns / 1000000000;

    if (s < 60)
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 "m%02" PRIu64 "s", s / 60,
                 s % 60);
    else if (s < 86400)
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
                 s / 60 % 60);
    else
        snprintf(text, QUANTITY_SIZE, "%" PRIu64 "d%02" PRIu64 "h", s / 86400,
                 s / 3600 % 24);
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
