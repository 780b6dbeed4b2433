/* SPDX-License-Identifier: MIT */
/*
 * query.h - the parameters of a URL, read as Go's url.ParseQuery reads them.
 *
 * The first occurrence of a key wins; keys and values are percent-decoded and
 * '+' is a space; a pair that is malformed or holds a ';' counts as not sent.
 * Pure text; never allocates. Read next: pprof.c, which asks.
 */
#ifndef PREPROF_QUERY_H
#define PREPROF_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_VALUE_MAX 128 /* longer values make no sense to any parameter */

/*
 * Finds `key` in `query` (as sent, NUL-terminated) and decodes its value into
 * `value`. Returns false, and value is "", when it was not sent. A value too
 * long or with a NUL in it becomes "\x1a", which no parameter takes.
 */
bool query_find(const char *query, const char *key,
                char value[QUERY_VALUE_MAX + 1]);

/*
 * Percent-decodes `size` bytes of `text` into `out`, which has room for as
 * many and a NUL. '+' becomes a space if `plus`. Returns the length, or -1
 * when an escape is malformed or yields NUL.
 */
ptrdiff_t query_decode(const char *text, size_t size, bool plus, char *out);

/* Writes `text` so that query_decode() gives it back, as one part of a path:
 * nothing is left as it is but letters, digits, '-', '.', '_' and '~'. `out`
 * has room for three times as many and a NUL. */
void query_encode(const char *text, char *out);

/*
 * Reads a whole base-10 integer with optional sign, as strconv.ParseInt does.
 * Returns 0 or -EINVAL, or -ERANGE with the nearest representable number;
 * *number is 0 after -EINVAL.
 */
int query_parse_int(const char *text, int64_t *number);

/* Reads a whole decimal floating-point number, as strconv.ParseFloat does.
 * Returns 0, or -EINVAL: also for what is not finite. */
int query_parse_float(const char *text, double *number);

/*
 * Reads a size: digits, then nothing, B, kB MB GB (powers of 1000) or KiB MiB
 * GiB (of 1024). Returns 0, -EINVAL, or -ERANGE when it exceeds 2^63 - 1, and
 * *size is that.
 */
int query_parse_size(const char *text, uint64_t *size);

#endif
