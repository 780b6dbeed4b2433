/* SPDX-License-Identifier: MIT */
/* process_read.c - see process_read.h. */
#include "process_read.h"

#include <stdio.h>
#include <string.h>

uint64_t process_start_time(uint32_t pid)
{
    char path[64], line[1024];
    char *name_end = NULL, state;
    unsigned long long start = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fgets(line, sizeof(line), file))
        name_end = strrchr(line, ')'); /* a name may contain parentheses */
    fclose(file);
    if (!name_end ||
        sscanf(name_end + 1,
               " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
               "%*s %*s %*s %*s %llu",
               &state, &start) != 2 ||
        state == 'Z' || state == 'X')
        return 0;
    return start;
}
