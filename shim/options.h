/* SPDX-License-Identifier: MIT */
/*
 * options.h - the shim's environment variables.
 *
 *   PREPROF_MODE     off | sample[=SIZE] | exact; SIZE is the mean distance of
 *                    two samples, in bytes or with k, M, G (powers of 1024,
 *                    "KiB" and "kB" spellings accepted). Default: sample
 *   PREPROF_DIR      directory of the segments. Default /dev/shm/preprof-EUID
 *   PREPROF_OUT      where the profile is kept at a clean exit; %p is the pid,
 *                    %n the program's name, %% a percent sign. Made absolute
 *                    when the program starts. Default: not kept
 *   PREPROF_LOCKS    1: record waits from the start; 0: not. Default: 0
 *   PREPROF_ONLY     the one program that is recorded (program.h): all others
 *                    make no segment. Default: all are
 *   PREPROF_VERBOSE  when not empty and not 0: say on stderr what goes wrong
 *
 * Read once, before anything of the program runs; a value that makes no sense
 * keeps the default and says so when verbose. Read next: life.c.
 */
#ifndef PREPROF_OPTIONS_H
#define PREPROF_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_PATH_MAX 1024
#define OPTIONS_NAME_MAX 256 /* of a file, with the NUL */

struct options {
    uint64_t mode_word; /* SEGMENT_MODE_WORD() */
    bool locks;
    bool verbose;
    char directory[OPTIONS_PATH_MAX]; /* absolute; "" for the default */
    char only[OPTIONS_NAME_MAX];      /* "" for all */
    char output[OPTIONS_PATH_MAX];    /* absolute, %p and %n still in it; "" */
};
extern struct options options;

/* Reads the environment; a second call does nothing. */
void options_read(void);

/* Parses a PREPROF_MODE value. Returns 0 or -EINVAL. */
int options_parse_mode(const char *value, uint64_t *mode_word);

/* Writes the segments' directory to buffer (OPTIONS_PATH_MAX bytes). The
 * default follows the effective user: a server that forks after it changed
 * user cannot write to its old one. */
void options_choose_directory(char *buffer);

/* Writes PREPROF_OUT for one process to buffer (OPTIONS_PATH_MAX bytes). */
void options_expand_output(char *buffer, uint32_t pid, const char *program);

/* One line on stderr, if PREPROF_VERBOSE asks for it. `detail` may be NULL. */
void options_complain(const char *what, const char *detail);

#endif
