/* SPDX-License-Identifier: MIT */
/*
 * ctl_main.c - preprof-ctl: switches what a live process records.
 *
 *   preprof ctl PID off|sample[=SIZE]|exact
 *
 * Says on stdout what it was and what it is now. Read next: segment_control.h.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "mode.h"
#include "option_error.h"
#include "segment_control.h"
#include "segment_find.h"

static _Noreturn void refuse_usage(const char *problem, const char *detail)
{
    fprintf(stderr, "preprof ctl: %s%s\n", problem, detail);
    exit(2);
}

static uint32_t parse_pid(const char *text)
{
    char *end;
    unsigned long pid = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || pid == 0 || pid > INT32_MAX)
        refuse_usage("it takes the id of a process, not ", text);
    return (uint32_t)pid;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    char path[PATH_MAX], line[SEGMENT_ERROR_LINE_SIZE];
    char before_text[MODE_TEXT_SIZE], mode_text[MODE_TEXT_SIZE];
    struct segment_error error;
    uint64_t mode, before;
    uint32_t pid;
    int option;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        option_error("ctl", option, argv);
    if (argc - optind != 2)
        refuse_usage("it takes a PID and a mode; see preprof help ctl", "");
    pid = parse_pid(argv[optind]);
    if (mode_parse(argv[optind + 1], &mode) != 0)
        refuse_usage("a mode is off, sample[=SIZE] or exact, not ",
                     argv[optind + 1]);
    if (segment_find(NULL, pid, path, &error) != 0 ||
        segment_control_mode(path, mode, &before, &error) != 0) {
        segment_error_line(&error, line, sizeof(line));
        fprintf(stderr, "preprof ctl: %s\n", line);
        return 1;
    }
    mode_format(before, before_text);
    mode_format(mode, mode_text);
    printf("process %u: %s, was %s\n", pid, mode_text, before_text);
    return 0;
}
