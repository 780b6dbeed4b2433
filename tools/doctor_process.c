/* SPDX-License-Identifier: MIT */
/* doctor_process.c - see doctor_process.h. */
#include "doctor_process.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_program.h"
#include "doctor_segment.h"
#include "finding.h"
#include "process_read.h"
#include "segment_find.h"

/* Whether a line, or a NUL-terminated piece, of /proc/PID/FILE has `text`.
 * Returns 1, 0, or -errno. */
static int file_has(uint32_t pid, const char *file, int end, const char *text)
{
    char path[64], *piece = NULL;
    size_t room = 0;
    int found = 0;
    FILE *in;

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
    in = fopen(path, "re");
    if (!in)
        return -errno;
    while (!found && getdelim(&piece, &room, end, in) > 0)
        found = strstr(piece, text) != NULL;
    if (!found && ferror(in))
        found = -EIO;
    free(piece);
    fclose(in);
    return found;
}

/* It runs and has no segment. */
static void explain(uint32_t pid)
{
    char link[64], path[PATH_MAX];
    int mapped = file_has(pid, "maps", '\n', "libpreprof.so");
    int asked = file_has(pid, "environ", '\0', "libpreprof.so");
    ssize_t length;

    if (mapped < 0) {
        finding_write(FINDING_WRONG, "Ask as its user, or as root.",
                      "process %u cannot be looked at: %s", pid,
                      strerror(-mapped));
        return;
    }
    if (mapped && file_has(pid, "environ", '\0', "PREPROF_ONLY=") == 1)
        finding_write(FINDING_WRONG, "Start it without PREPROF_ONLY.",
                      "process %u is not the one program to be recorded", pid);
    else if (mapped)
        finding_write(FINDING_WRONG,
                      "Look at its PREPROF_DIR, and whether there is room.",
                      "process %u has loaded the shim, which could make no "
                      "segment",
                      pid);
    else if (asked == 1)
        finding_write(FINDING_WRONG, NULL,
                      "process %u was told to load the shim and did not", pid);
    else
        finding_write(FINDING_WRONG,
                      "A running process cannot be given the shim: start it "
                      "by preprof run.",
                      "process %u was started without the shim", pid);
    snprintf(link, sizeof(link), "/proc/%u/exe", pid);
    length = readlink(link, path, sizeof(path) - 1);
    if (length > 0) {
        path[length] = '\0';
        doctor_program(path);
    }
}

void doctor_process(uint32_t pid)
{
    char path[PATH_MAX], line[SEGMENT_ERROR_LINE_SIZE];
    struct segment_error error;

    if (segment_find(NULL, pid, path, &error) == 0) {
        doctor_segment(path);
    } else if (process_start_time(pid)) {
        explain(pid);
    } else {
        segment_error_line(&error, line, sizeof(line));
        finding_write(FINDING_WRONG, NULL, "%s", line);
    }
}
