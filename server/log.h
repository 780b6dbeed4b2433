/* SPDX-License-Identifier: MIT */
/*
 * log.h - lines on stderr.
 *
 * What clients can cause is limited in rate, and what they sent is escaped, so
 * that nobody fills a disk or writes to a terminal through us.
 */
#ifndef PREPROF_LOG_H
#define PREPROF_LOG_H

#include <stddef.h>

#define LOG_REFUSALS_MAX 20    /* lines in each period, */
#define LOG_PERIOD_MS    10000 /* and then a count */
#define LOG_QUOTE_SIZE   100   /* bytes shown of a target, escaped */

/* "preprof-server: ..." */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A request from `peer` that was answered with an error of its own making.
 * `now_ms` is any clock that does not go back. */
void log_refusal(unsigned long long now_ms, const char *peer, int status,
                 const char *reason, const char *target);

/* Quotes text: printable ASCII as it is, the rest as \xNN, cut at `size`. */
void log_quote(const char *text, char *quoted, size_t size);

#endif
