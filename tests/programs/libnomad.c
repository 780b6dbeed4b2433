/* SPDX-License-Identifier: MIT */
/*
 * libnomad.c - an allocator that never comes back to an address: each thread
 * cuts its blocks off a region of its own, the next region lies beyond all that
 * were, and a region is unmapped with its last block. At the end of the address
 * space it begins again. Preloaded behind the shim, to see what the shim keeps
 * of addresses that are gone.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_SIZE ((size_t)1 << 20)
#define FIRST       ((uintptr_t)0x100000000000)
#define BEYOND      ((uintptr_t)0x600000000000)
#define LARGEST     ((size_t)1 << 40)

/* The start of a region; its address is a multiple of REGION_SIZE. */
struct region {
    size_t size;
    uint32_t users; /* its blocks, and the thread that cuts them off */
};

/* What stands in front of a block. */
struct block {
    struct region *region;
    size_t size;
};

static uintptr_t moved; /* since FIRST */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    struct region *region;
    uintptr_t next, end;
} cut;

static struct region *region_map(size_t size)
{
    for (int i = 0; i < 1000; i++) {
        uintptr_t at = __atomic_fetch_add(&moved, size, __ATOMIC_RELAXED) %
                       (BEYOND - FIRST);
        void *wanted = (void *)(FIRST + at);
        struct region *region =
            mmap(wanted, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        if (region != MAP_FAILED) {
            region->size = size;
            region->users = 1;
            return region;
        }
    }
    return NULL;
}

static void region_leave(struct region *region)
{
    if (region && __atomic_sub_fetch(&region->users, 1, __ATOMIC_ACQ_REL) == 0)
        munmap(region, region->size);
}

/* Makes room in this thread's region, or in a new one. */
static uintptr_t make_room(size_t room)
{
    size_t size =
        (sizeof(struct region) + room + REGION_SIZE - 1) & ~(REGION_SIZE - 1);
    uintptr_t start;

    if (!cut.region || cut.end - cut.next < room) {
        struct region *region = region_map(size);

        if (!region)
            return 0;
        region_leave(cut.region);
        cut.region = region;
        cut.next = (uintptr_t)(region + 1);
        cut.end = (uintptr_t)region + size;
    }
    start = cut.next;
    cut.next += room;
    return start;
}

static void *allocate(size_t alignment, size_t size)
{
    struct block *block;
    uintptr_t start;

    if (alignment < 16)
        alignment = 16;
    if (size > LARGEST || alignment > LARGEST)
        goto no_memory;
    size = (size + 15) & ~(size_t)15;
    start = make_room(sizeof(*block) + alignment + size);
    if (!start)
        goto no_memory;
    start = (start + sizeof(*block) + alignment - 1) & ~(alignment - 1);
    block = (struct block *)start - 1;
    block->region = cut.region;
    block->size = size;
    __atomic_fetch_add(&cut.region->users, 1, __ATOMIC_RELAXED);
    return block + 1;

no_memory:
    errno = ENOMEM;
    return NULL;
}

#include "exported.h" /* blocks are fresh from the kernel */

size_t malloc_usable_size(void *block)
{
    return block ? ((struct block *)block)[-1].size : 0;
}

void free(void *block)
{
    if (block)
        region_leave(((struct block *)block)[-1].region);
}

void *realloc(void *block, size_t size)
{
    void *next = allocate(16, size);
    size_t old = malloc_usable_size(block);

    if (next && block) {
        memcpy(next, block, old < size ? old : size);
        free(block);
    }
    return next;
}
