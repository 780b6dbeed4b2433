/* SPDX-License-Identifier: MIT */
/*
 * sites.c - a heap whose truth is known, for the accuracy chart.
 *
 * 40 callsites, site_00 to site_39, allocate blocks of their own sizes as often
 * as their own weights say, in an order that repeats at every run, and keep
 * every fourth, so that in the end they have very uneven shares in use. Prints
 * "SITE USABLE REQUESTED" lines, in bytes: profilers differ in which they mean;
 * and nanoseconds of CPU an allocation. Usage: sites [ALLOCATIONS]
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

#define SITES 40
/* clang-format off */
#define EACH_SITE(X)                                                           \
    X(00) X(01) X(02) X(03) X(04) X(05) X(06) X(07) X(08) X(09)                \
    X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19)                \
    X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29)                \
    X(30) X(31) X(32) X(33) X(34) X(35) X(36) X(37) X(38) X(39)
/* clang-format on */

/* The comment tells them apart for the compiler, which would merge them. */
#define DEFINE_SITE(number)                                                    \
    __attribute__((noinline)) void *site_##number(size_t size);                \
    __attribute__((noinline)) void *site_##number(size_t size)                 \
    {                                                                          \
        void *block = malloc(size);                                            \
        __asm__ volatile("/* " #number " */" : "+r"(block));                   \
        return block;                                                          \
    }
EACH_SITE(DEFINE_SITE)

#define SITE(number) site_##number,
static void *(*const sites[SITES])(size_t) = {EACH_SITE(SITE)};

static uint64_t usable[SITES], requested[SITES];
static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* Site i is taken with a probability of about 3 / (i + 3)^2. */
static int next_site(void)
{
    double u = (next_random() + 1.0) / 2147483649.0;
    int site = (int)(3 / u) - 3;

    return site < SITES ? site : (int)(next_random() % SITES);
}

static void allocate(long turn)
{
    int site = next_site();
    size_t size = 16 + (size_t)(site * 37 % 23) * 24;
    void *block = sites[site](size);

    if (!block)
        abort();
    if (turn % 4 != 0) {
        free(block);
        return;
    }
    *(char *volatile *)block = NULL;
    usable[site] += malloc_usable_size(block);
    requested[site] += size;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 1000000;
    double start = cpu_seconds();

    for (long turn = 0; turn < count; turn++)
        allocate(turn);
    printf("%.2f ns a block\n", (cpu_seconds() - start) * 1e9 / (double)count);
    for (int site = 0; site < SITES; site++)
        printf("site_%02d %" PRIu64 " %" PRIu64 "\n", site, usable[site],
               requested[site]);
    return 0;
}
