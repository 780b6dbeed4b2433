/* SPDX-License-Identifier: MIT */
/* process_memory.c - see process_memory.h. */
#include "process_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread's stack lies above a guard at least this small; what glibc's arenas
 * keep inaccessible is larger and lies above their memory, not below. */
#define GUARD_SIZE_MAX (64 << 10)

struct mapping {
    uint64_t start, end;
    bool anonymous, writable, inaccessible, shared;
    bool heap, stack; /* by name */
};

static FILE *open_process(uint32_t pid, const char *file)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
    return fopen(path, "re");
}

/* The head of a mapping in smaps; false for the lines below it. */
static bool parse_head(const char *line, struct mapping *mapping)
{
    char permissions[8], name[16] = "";
    unsigned long inode;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %lu %15s",
               &mapping->start, &mapping->end, permissions, &inode, name) < 4)
        return false;
    mapping->writable = strncmp(permissions, "rw", 2) == 0;
    mapping->inaccessible = strncmp(permissions, "---", 3) == 0;
    mapping->shared = permissions[3] == 's';
    mapping->heap = strcmp(name, "[heap]") == 0;
    mapping->stack = strcmp(name, "[stack]") == 0;
    mapping->anonymous =
        inode == 0 && (!name[0] || strncmp(name, "[anon", 5) == 0);
    return true;
}

static bool is_guard_of(const struct mapping *below,
                        const struct mapping *mapping)
{
    return below->anonymous && below->inaccessible &&
           below->end == mapping->start &&
           below->end - below->start <= GUARD_SIZE_MAX;
}

/* Where a mapping's bytes are counted; NULL when nowhere. */
static uint64_t *count_mapped(struct process_memory *memory,
                              const struct mapping *below,
                              const struct mapping *mapping)
{
    uint64_t size = mapping->end - mapping->start;

    if (!mapping->writable || mapping->shared)
        return NULL;
    if (mapping->stack || (mapping->anonymous && is_guard_of(below, mapping))) {
        memory->stack_mapped += size;
        return &memory->stack_resident;
    }
    if (!mapping->heap && !mapping->anonymous)
        return NULL;
    memory->heap_mapped += size;
    return &memory->heap_resident;
}

static void read_smaps(FILE *file, struct process_memory *memory)
{
    struct mapping mapping = {0}, below;
    uint64_t *resident = NULL;
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, file) > 0) {
        unsigned long kib;

        if (sscanf(line, "Rss: %lu kB", &kib) == 1) {
            if (resident)
                *resident += (uint64_t)kib << 10;
            continue;
        }
        below = mapping;
        if (parse_head(line, &mapping))
            resident = count_mapped(memory, &below, &mapping);
    }
    free(line);
}

int process_memory_read_status(uint32_t pid, struct process_memory *memory)
{
    FILE *file = open_process(pid, "status");
    char line[256];

    *memory = (struct process_memory){0};
    if (!file)
        return -errno;
    while (fgets(line, sizeof(line), file)) {
        unsigned long value;

        if (sscanf(line, "VmRSS: %lu kB", &value) == 1)
            memory->resident = (uint64_t)value << 10;
        else if (sscanf(line, "VmHWM: %lu kB", &value) == 1)
            memory->resident_max = (uint64_t)value << 10;
        else if (sscanf(line, "Threads: %lu", &value) == 1)
            memory->threads = value;
    }
    fclose(file);
    return 0;
}

int process_memory_read(uint32_t pid, struct process_memory *memory)
{
    int err = process_memory_read_status(pid, memory);
    FILE *file;

    if (err)
        return err;
    file = open_process(pid, "smaps");
    if (!file)
        return -errno;
    read_smaps(file, memory);
    err = ferror(file) ? -EIO : 0;
    fclose(file);
    return err;
}
