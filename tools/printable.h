/* SPDX-License-Identifier: MIT */
/*
 * printable.h - text from files, made fit for terminals and for clients.
 *
 * Paths and names come from whoever made the file: they may hold escape
 * sequences, newlines and bytes that are no UTF-8. Read next: profile.h.
 */
#ifndef PREPROF_PRINTABLE_H
#define PREPROF_PRINTABLE_H

#include <stddef.h>

/* Replaces, in place, control characters and every byte that is not part of
 * valid UTF-8 by '?'. The length stays. */
void printable_clean(char *text, size_t length);

#endif
