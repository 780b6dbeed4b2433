/* SPDX-License-Identifier: MIT */
/*
 * quantity.h - numbers as people read them. Read next: nothing.
 */
#ifndef PREPROF_QUANTITY_H
#define PREPROF_QUANTITY_H

#include <stdint.h>

#define QUANTITY_SIZE 40 /* of the longest text, with the NUL */

/* "17 B", "1.2 MiB": powers of 1024, one decimal. */
void quantity_bytes(uint64_t bytes, char text[QUANTITY_SIZE]);

/* "17", "1.2M": the same in at most seven columns, for tables. Takes negative
 * amounts; then it is at most eight. */
void quantity_bytes_narrow(int64_t bytes, char text[QUANTITY_SIZE]);

/* "7s", "3m07s", "5h12m", "3d04h": the two largest units. */
void quantity_duration(uint64_t ns, char text[QUANTITY_SIZE]);

/* "1 allocation", "4900113 allocations". `noun` is the singular, of letters
 * that take a plain s, and at most ten. */
void quantity_count(uint64_t count, const char *noun, char text[QUANTITY_SIZE]);

/* A time in ns since 1970 as RFC 3339, in UTC: "2026-01-31T09:05:07Z". */
void quantity_time(uint64_t time_ns, char text[QUANTITY_SIZE]);

#endif
