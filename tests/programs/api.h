/* SPDX-License-Identifier: MIT */
/*
 * api.h - every promise of preprof.h, as one function for C and for C++.
 *
 * Prints one line "ok NAME" or "wrong NAME" a promise.
 */
#ifndef TESTS_API_H
#define TESTS_API_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprof.h"

#define BLOCKS 211
#define SIZE   5003

static void api_promise(int kept, const char *name)
{
    printf("%s %s\n", kept ? "ok" : "wrong", name);
}

/* The identities that hold in every mode. */
static void api_check_sums(const struct preprof_memstats *s, const char *name)
{
    api_promise(s->size == sizeof(*s) && s->Alloc == s->HeapAlloc &&
                    s->HeapSys == s->HeapInuse + s->HeapIdle &&
                    s->Sys == s->HeapSys + s->StackSys + s->BuckHashSys +
                                  s->OtherSys &&
                    s->Lookups == 0,
                name);
}

static void api_check_exact(void)
{
    static void *blocks[BLOCKS];
    struct preprof_memstats before, after, freed;

    preprof_read_memstats(&before);
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(SIZE);
    preprof_read_memstats(&after);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    preprof_read_memstats(&freed);

    api_check_sums(&after, "sums in exact mode");
    api_promise((after.known & PREPROF_KNOWN_EXACT) &&
                    (after.known & PREPROF_KNOWN_CALLS) &&
                    (after.known & PREPROF_KNOWN_HEAP_ALLOC) &&
                    (after.known & PREPROF_KNOWN_HEAP_SYS),
                "everything is known in exact mode");
    api_promise(after.Mallocs - after.Frees == after.HeapObjects,
                "Mallocs - Frees == HeapObjects");
    api_promise(after.Mallocs - before.Mallocs == BLOCKS &&
                    after.HeapObjects - before.HeapObjects == BLOCKS,
                "every malloc is counted");
    api_promise(after.HeapAlloc - before.HeapAlloc >= BLOCKS * SIZE &&
                    after.TotalAlloc - before.TotalAlloc ==
                        after.HeapAlloc - before.HeapAlloc,
                "HeapAlloc has their bytes");
    api_promise(freed.HeapAlloc == before.HeapAlloc &&
                    freed.HeapObjects == before.HeapObjects &&
                    freed.TotalAlloc == after.TotalAlloc &&
                    freed.Frees - before.Frees == BLOCKS,
                "after freeing all is as before");
    api_promise(after.HeapSys >= after.HeapInuse &&
                    after.HeapInuse >= after.HeapAlloc,
                "HeapSys >= HeapInuse >= HeapAlloc");
}

static void api_check_modes(void)
{
    struct preprof_memstats before, after;

    api_promise(preprof_set_mode(17, 0) == -EINVAL, "no such mode");
    api_promise(preprof_set_mode(PREPROF_OFF, 0) == 0, "set_mode off");
    preprof_read_memstats(&before);
    free(malloc(SIZE));
    preprof_read_memstats(&after);
    api_promise(after.Mallocs == before.Mallocs, "off counts nothing");
    api_check_sums(&after, "sums when off");
    api_promise(!(after.known & PREPROF_KNOWN_EXACT),
                "with a gap it is not exact");
    api_promise(preprof_set_mode(PREPROF_SAMPLE, 1 << 20) == 0,
                "set_mode sample");
    preprof_read_memstats(&after);
    api_check_sums(&after, "sums in sample mode");
    api_promise(!(after.known & PREPROF_KNOWN_EXACT),
                "mixed modes are not exact");
}

static int api_check(void)
{
    struct preprof_memstats stats;
    int err;

    memset(&stats, 0x55, sizeof(stats));
    err = preprof_read_memstats(&stats);
    if (err == -ENOSYS) {
        api_promise(stats.HeapAlloc == UINT64_C(0x5555555555555555),
                    "without the shim nothing is touched");
        api_promise(preprof_set_mode(PREPROF_EXACT, 0) == -ENOSYS,
                    "set_mode without the shim");
        return 0;
    }
    api_promise(err == 0, "read_memstats");
    if (stats.known & PREPROF_KNOWN_EXACT) {
        api_check_exact();
        api_check_modes();
    } else {
        api_check_sums(&stats, "sums when started in another mode");
    }
    return 0;
}

#endif
