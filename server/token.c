/* SPDX-License-Identifier: MIT */
/* token.c - see token.h. */
#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

const char *token_read(const char *file, char token[ACCESS_TOKEN_MAX + 1])
{
    char line[ACCESS_TOKEN_MAX + 2]; /* the newline, too */
    FILE *in = fopen(file, "re");
    const char *got;
    size_t size;

    if (!in)
        return strerror(errno);
    got = fgets(line, sizeof(line), in);
    (void)fclose(in);
    if (!got)
        return "there is no token in it";
    size = strcspn(line, "\r\n");
    if (line[size] == '\0' && size > ACCESS_TOKEN_MAX)
        return "the token is longer than 256 bytes";
    line[size] = '\0';
    if (size < TOKEN_SIZE_MIN)
        return "the token is shorter than 16 bytes";
    for (size_t i = 0; i < size; i++)
        if (line[i] <= ' ' || line[i] > '~')
            return "the token may hold printable ASCII only, and no space";
    strcpy(token, line);
    return NULL;
}

int token_generate(char token[ACCESS_TOKEN_MAX + 1])
{
    unsigned char random[16];

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -errno;
    for (size_t i = 0; i < sizeof(random); i++)
        sprintf(token + 2 * i, "%02x", random[i]);
    return 0;
}
