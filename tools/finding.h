/* SPDX-License-Identifier: MIT */
/*
 * finding.h - one line of what `preprof doctor` found.
 */
#ifndef PREPROF_FINDING_H
#define PREPROF_FINDING_H

enum finding {
    FINDING_OK,
    FINDING_NOTE,  /* good to know: a profile is less than it could be */
    FINDING_WRONG, /* a profile is, or will be, empty or wrong */
};

/* Writes a line to stdout, and below it the advice where there is one. */
__attribute__((format(printf, 3, 4))) void finding_write(enum finding finding,
                                                         const char *advice,
                                                         const char *format,
                                                         ...);

/* How many so far were FINDING_WRONG. */
unsigned finding_wrong_count(void);

#endif
