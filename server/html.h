/* SPDX-License-Identifier: MIT */
/*
 * html.h - text from profiled programs, made harmless.
 *
 * Names of programs, reasons, queries: all of it can be chosen by somebody
 * else. Read next: pprof_index.c and process_page.c, which write pages.
 */
#ifndef PREPROF_HTML_H
#define PREPROF_HTML_H

#include <stdio.h>

/* Writes `text` so that it is text inside an element or a quoted attribute. */
void html_escape(FILE *out, const char *text);

#endif
