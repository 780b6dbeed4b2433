/* SPDX-License-Identifier: MIT */
/*
 * label_text.h - a sample's labels in Go's two texts.
 *
 * Quotes and backslashes are escaped; what else would need it is not there in a
 * profile (printable.h). Read next: profile_text.h, thread_text.h.
 */
#ifndef PREPROF_LABEL_TEXT_H
#define PREPROF_LABEL_TEXT_H

#include <stdio.h>

#include "profile.h"

/* {"handler":"/search", "user":"u1"}, as in profiles with debug=1. */
void label_text_write(struct profile_label_set set, FILE *out);

/* {handler: "/search", user: u1}, as in Go 1.27's goroutines one by one: words
 * without quotes. */
void label_text_write_bare(struct profile_label_set set, FILE *out);

#endif
