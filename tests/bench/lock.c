/* SPDX-License-Identifier: MIT */
/*
 * lock.c - one lock and one unlock of a mutex that nobody else wants.
 *
 * What the wrappers cost where there is nothing to record. Prints nanoseconds
 * of CPU a pair. Usage: lock [PAIRS]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"

int main(int argc, char **argv)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    long count = argc > 1 ? atol(argv[1]) : 20000000;
    double start = cpu_seconds();

    for (long i = 0; i < count; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
    printf("%.2f ns a pair\n", (cpu_seconds() - start) * 1e9 / (double)count);
    return 0;
}
