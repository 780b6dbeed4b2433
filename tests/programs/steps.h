/* SPDX-License-Identifier: MIT */
/* steps.h - how far steps.c is, for kill_sweep.c to see from outside. */
#ifndef PREPROF_TESTS_STEPS_H
#define PREPROF_TESTS_STEPS_H

#include <stdint.h>

struct steps_progress {
    uint64_t allocs_begun, allocs_done;
    uint64_t frees_begun, frees_done;
    uint64_t over; /* what was to be seen */
};

#endif
