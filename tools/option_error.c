/* SPDX-License-Identifier: MIT */
/* option_error.c - see option_error.h. */
#include "option_error.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void option_error(const char *command, int result, char **argv)
{
    const char *word = argv[optind - 1];
    char letter[3] = {'-', (char)optopt, '\0'};
    /* A long option is refused as a whole word; of short ones, that may stand
     * together in a word, the letter is known. */
    const char *option = strncmp(word, "--", 2) == 0 || !optopt ? word : letter;

    if (result == ':')
        fprintf(stderr, "preprof %s: %s needs a value; see preprof help %s\n",
                command, option, command);
    else
        fprintf(stderr, "preprof %s: unknown option %s; see preprof help %s\n",
                command, option, command);
    exit(2);
}
