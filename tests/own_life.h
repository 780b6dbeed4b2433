/* SPDX-License-Identifier: MIT */
/*
 * own_life.h - a life (shim/life.h) over a file without a name, for tests of the
 * shim's parts without the preload. Not for two tests in one process at once.
 */
#ifndef OWN_LIFE_H
#define OWN_LIFE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "life.h"

static size_t own_life_size;
static int own_life_fd = -1; /* of the segment's memory */

/* A new, empty segment with room for so many extents. The tables outside the
 * segment are the test's to begin. */
static inline void own_life_begin(uint32_t extents_max)
{
    size_t size =
        SEGMENT_EXTENTS_OFFSET + (size_t)extents_max * SEGMENT_EXTENT_SIZE;
    int fd = memfd_create("segment", MFD_CLOEXEC);
    char *memory;

    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        abort();
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (memory == MAP_FAILED)
        abort();
    if (life->header) {
        munmap(life->header, own_life_size);
        close(own_life_fd);
    }
    own_life_fd = fd;
    own_life_size = size;
    memset(life, 0, sizeof(life));
    life->epoch = 1;
    life->header = (struct segment_header *)(void *)memory;
    life->table = (uint64_t *)(void *)(memory + SEGMENT_EXTENT_TABLE_OFFSET);
    life->extents = memory + SEGMENT_EXTENTS_OFFSET;
    life->header->pid = (uint32_t)getpid();
    life->header->extents_max = extents_max;
    life->header->callsites_used = SEGMENT_SINK_COUNT;
    life->header->nodes_used = 1;
    life->header->shards_used = 1;
    life->header->labels_used = 1;
}

/* Element `index` of an array that is kept in extents of `type`, `per_extent`
 * to each, found as a reader does: by the extent table. NULL when it has no
 * extent; two extents for one place are an error. */
static inline void *own_life_element(uint32_t type, uint32_t owner,
                                     uint32_t index, uint32_t per_extent,
                                     size_t element_size)
{
    uint64_t word =
        SEGMENT_EXTENT_WORD(type, owner, index / per_extent * per_extent);
    uint32_t used =
        __atomic_load_n(&life->header->extents_used, __ATOMIC_ACQUIRE);
    char *found = NULL;

    for (uint32_t i = 0; i < used; i++) {
        if (__atomic_load_n(&life->table[i], __ATOMIC_ACQUIRE) != word)
            continue;
        if (found)
            abort();
        found = life->extents + (size_t)i * SEGMENT_EXTENT_SIZE;
    }
    return found ? found + index % per_extent * element_size : NULL;
}

static inline struct segment_node *own_life_node(uint32_t node)
{
    return own_life_element(SEGMENT_EXTENT_NODES, 0, node,
                            SEGMENT_NODES_PER_EXTENT,
                            sizeof(struct segment_node));
}

static inline struct segment_callsite *own_life_callsite(uint32_t callsite)
{
    return own_life_element(SEGMENT_EXTENT_CALLSITES, 0, callsite,
                            SEGMENT_CALLSITES_PER_EXTENT,
                            sizeof(struct segment_callsite));
}

/* Writes the stack of a callsite, leaf first, and returns its depth, or -1
 * when it is longer than max or its callsite does not say its depth. */
static inline int own_life_stack(uint32_t callsite, uintptr_t *pcs, int max)
{
    const struct segment_callsite *record = own_life_callsite(callsite);
    int depth = 0;

    for (uint32_t at = record ? record->node : 0; at;) {
        const struct segment_node *node = own_life_node(at);

        if (node && (node->flags & SEGMENT_NODE_LABELS))
            break;
        if (!node || depth == max)
            return -1;
        pcs[depth++] = node->pc;
        at = node->parent;
    }
    return record && record->depth == (uint32_t)depth ? depth : -1;
}

#endif
