/* SPDX-License-Identifier: MIT */
/*
 * memstats.c - a program that asks for its own memory statistics.
 *
 * preprof.h brings Go's runtime.MemStats to C. There is nothing to link: the
 * shim is looked up at the first call, and without it the answer is -ENOSYS, so
 * a program can ask always and be told only when somebody profiles it:
 *
 *     build/release/examples/memstats
 *     preprof run -- build/release/examples/memstats
 *
 * The numbers are usable sizes, what the allocator really gave: 97 blocks of
 * 10007 bytes are 97 * 10008 on glibc.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprof.h"

enum { BLOCKS = 97, BLOCK_SIZE = 10007 };

static struct preprof_memstats read_memstats(void)
{
    struct preprof_memstats stats;
    int err = preprof_read_memstats(&stats);

    if (err == -ENOSYS) {
        puts("not profiled; try: preprof run -- memstats");
        exit(0);
    }
    if (err) {
        fprintf(stderr, "memstats: %s\n", strerror(-err));
        exit(1);
    }
    return stats;
}

static void print_change(const char *what, const struct preprof_memstats *from,
                         const struct preprof_memstats *to)
{
    printf("%-9s HeapAlloc %+8" PRId64 "  HeapObjects %+4" PRId64
           "  Mallocs %+4" PRId64 "  Frees %+4" PRId64 "\n",
           what, (int64_t)(to->HeapAlloc - from->HeapAlloc),
           (int64_t)(to->HeapObjects - from->HeapObjects),
           (int64_t)(to->Mallocs - from->Mallocs),
           (int64_t)(to->Frees - from->Frees));
}

int main(void)
{
    struct preprof_memstats start, full, end;
    char *blocks[BLOCKS];

    start = read_memstats();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_SIZE);
        if (!blocks[i]) {
            perror("memstats");
            return 1;
        }
    }
    full = read_memstats();
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    end = read_memstats();

    print_change("allocated", &start, &full);
    print_change("freed", &full, &end);
    return 0;
}
