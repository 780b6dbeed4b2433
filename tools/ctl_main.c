/* SPDX-License-Identifier: MIT */
/*
 * ctl_main.c - preprof-ctl: switches what a live process records.
 *
 *   preprof ctl PID off|sample[=SIZE]|exact|locks=on|locks=off
 *
 * Says on stdout what it was and what it is now. Read next: segment_control.h.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Each switches, and says on stdout what was and what is; 0 or -errno. */
static int switch_mode(const char *path, uint32_t pid, uint64_t mode,
                       struct segment_error *error)
{
    char before_text[MODE_TEXT_SIZE], mode_text[MODE_TEXT_SIZE];
    uint64_t before;
    int err = segment_control_mode(path, mode, &before, error);

    if (err)
        return err;
    mode_format(before, before_text);
    mode_format(mode, mode_text);
    printf("process %u: %s, was %s\n", pid, mode_text, before_text);
    return 0;
}

static int switch_locks(const char *path, uint32_t pid, bool on,
                        struct segment_error *error)
{
    uint64_t before;
    int err = segment_control_locks(path, on, &before, error);

    if (!err)
        printf("process %u: locks=%s, was locks=%s\n", pid, on ? "on" : "off",
               before ? "on" : "off");
    return err;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    char path[PATH_MAX], line[SEGMENT_ERROR_LINE_SIZE];
    struct segment_error error;
    bool locks_on, locks;
    const char *what;
    uint64_t mode;
    uint32_t pid;
    int option, err;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        option_error("ctl", option, argv);
    if (argc - optind != 2)
        refuse_usage("it takes a PID and a mode; see preprof help ctl", "");
    pid = parse_pid(argv[optind]);
    what = argv[optind + 1];
    locks_on = strcmp(what, "locks=on") == 0;
    locks = locks_on || strcmp(what, "locks=off") == 0;
    if (!locks && mode_parse(what, &mode) != 0)
        refuse_usage("it takes off, sample[=SIZE], exact, locks=on or "
                     "locks=off, not ",
                     what);
    err = segment_find(NULL, pid, path, &error);
    if (!err)
        err = locks ? switch_locks(path, pid, locks_on, &error)
                    : switch_mode(path, pid, mode, &error);
    if (!err)
        return 0;
    segment_error_line(&error, line, sizeof(line));
    fprintf(stderr, "preprof ctl: %s\n", line);
    return 1;
}
