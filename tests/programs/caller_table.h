/* SPDX-License-Identifier: MIT */
/*
 * caller_table.h - who allocates, in libcount.c: return address to counts.
 *
 * Open addressing, entries are never removed, no lock. An entry is named when
 * it is made: its object may be unloaded at the end. The table is memory that
 * its user provides, all zero when empty. It must never allocate: it is used
 * from within malloc.
 */
#ifndef PREPROF_TESTS_CALLER_TABLE_H
#define PREPROF_TESTS_CALLER_TABLE_H

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define CALLERS_MAX     16384u /* a power of two */
#define CALLER_NAME_MAX 56u

struct counts {
    uint64_t allocs, alloc_bytes, frees, free_bytes;
};

struct caller {
    uintptr_t pc; /* 0: free entry */
    uintptr_t bias;
    char name[CALLER_NAME_MAX];
    struct counts counts;
};

struct caller_table {
    struct caller callers[CALLERS_MAX]; /* the last takes all without room */
};

/* The base name of an object, and where it is loaded. The main program has no
 * name of its own. */
static void caller_name(struct caller *caller)
{
    struct dl_find_object found;
    char program[4096] = "";
    const char *path, *slash;

    if (_dl_find_object((void *)caller->pc, &found) != 0)
        return;
    caller->bias = found.dlfo_link_map->l_addr;
    path = found.dlfo_link_map->l_name;
    if (!*path) {
        if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
            return;
        path = program;
    }
    slash = strrchr(path, '/');
    strncpy(caller->name, slash ? slash + 1 : path, sizeof(caller->name) - 1);
}

/* The index of a caller, entered when it is new. */
static uint32_t caller_of(struct caller_table *table, uintptr_t pc)
{
    uint32_t start = (uint32_t)((pc * 0x9e3779b97f4a7c15u) >> 40);

    for (uint32_t i = 0; i < CALLERS_MAX - 1; i++) {
        uint32_t index = (start + i) % (CALLERS_MAX - 1);
        struct caller *caller = &table->callers[index];
        uintptr_t there = __atomic_load_n(&caller->pc, __ATOMIC_ACQUIRE);

        if (there == pc)
            return index;
        if (there == 0 &&
            __atomic_compare_exchange_n(&caller->pc, &there, pc, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            caller_name(caller);
            return index;
        }
        if (there == pc)
            return index;
    }
    return CALLERS_MAX - 1;
}

#endif
