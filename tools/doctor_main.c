/* SPDX-License-Identifier: MIT */
/*
 * doctor_main.c - preprof-doctor: why a profile is, or would be, empty or poor.
 *
 *   preprof doctor PROG|PID|FILE
 *
 * Decides which of the three it was given; must never run the program. Status
 * 1 when something is wrong. Read next: doctor_program.h, doctor_process.h,
 * doctor_segment.h.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_process.h"
#include "doctor_program.h"
#include "doctor_segment.h"
#include "finding.h"
#include "option_error.h"
#include "program_check.h"
#include "segment.h"

static bool is_segment(const char *path)
{
    char magic[sizeof(SEGMENT_MAGIC)] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
              memcmp(magic, SEGMENT_MAGIC, sizeof(magic)) == 0;

    if (fd >= 0)
        close(fd);
    return is;
}

static bool parse_pid(const char *text, uint32_t *pid)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    *pid = (uint32_t)number;
    return isdigit((unsigned char)*text) && !*end && number > 0 &&
           number <= INT32_MAX;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    char path[PATH_MAX];
    uint32_t pid;
    int option, err;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        option_error("doctor", option, argv);
    if (optind + 1 != argc) {
        fprintf(stderr, "preprof doctor: one PROG, PID or FILE; see preprof "
                        "help doctor\n");
        return 2;
    }
    if (is_segment(argv[optind])) {
        doctor_segment(argv[optind]);
    } else if (access(argv[optind], F_OK) != 0 &&
               parse_pid(argv[optind], &pid)) {
        doctor_process(pid);
    } else {
        err = program_find(argv[optind], path);
        if (err) {
            fprintf(stderr, "preprof doctor: %s: %s\n", argv[optind],
                    strerror(-err));
            return 1;
        }
        doctor_program(path);
    }
    return finding_wrong_count() ? 1 : 0;
}
