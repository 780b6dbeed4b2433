/* SPDX-License-Identifier: MIT */
/* cpu.h - the clock of the benchmarks: CPU time of this process. */
#ifndef PREPROF_BENCH_CPU_H
#define PREPROF_BENCH_CPU_H

#include <time.h>

static inline double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
