/* SPDX-License-Identifier: MIT */
/* token.h - the secret that clients beyond the loopback must know. */
#ifndef PREPROF_TOKEN_H
#define PREPROF_TOKEN_H

#include "access.h"

#define TOKEN_SIZE_MIN 16 /* bytes: fewer could be guessed */

/* Reads it from the first line of `file`. Returns NULL, or what is wrong with
 * it, a line that stays valid. */
const char *token_read(const char *file, char token[ACCESS_TOKEN_MAX + 1]);

/* Makes one of 128 random bits. 0 or -errno. */
int token_generate(char token[ACCESS_TOKEN_MAX + 1]);

#endif
