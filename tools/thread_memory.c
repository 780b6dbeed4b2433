/* SPDX-License-Identifier: MIT */
/* thread_memory.c - see thread_memory.h. */
#include "thread_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_SIZE  4096u
#define PAGE_COUNT 1024u /* kept at a time; a power of two */

struct range {
    uint64_t start, end;
};

struct page {
    uint64_t address;
    uint64_t walk; /* that it was read for; FOREVER when it cannot change */
    uint8_t bytes[PAGE_SIZE];
};

#define FOREVER UINT64_MAX

struct thread_memory {
    int fd;
    uint64_t walk; /* counts from 1: an unused page has 0 */
    struct range *constants;
    size_t constant_count;
    struct page pages[PAGE_COUNT]; /* each in one place, by its address */
};

int thread_memory_open(int process, struct thread_memory **memory)
{
    int fd = openat(process, "mem", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    *memory = calloc(1, sizeof(**memory));
    if (!*memory) {
        close(fd);
        return -ENOMEM;
    }
    (*memory)->fd = fd;
    (*memory)->walk = 1;
    return 0;
}

void thread_memory_close(struct thread_memory *memory)
{
    if (!memory)
        return;
    close(memory->fd);
    free(memory->constants);
    free(memory);
}

int thread_memory_add_constant(struct thread_memory *memory, uint64_t start,
                               uint64_t end)
{
    struct range *grown =
        realloc(memory->constants,
                (memory->constant_count + 1) * sizeof(*memory->constants));

    if (!grown)
        return -ENOMEM;
    memory->constants = grown;
    grown[memory->constant_count++] = (struct range){start, end};
    return 0;
}

void thread_memory_refresh(struct thread_memory *memory)
{
    memory->walk++;
}

static bool is_constant(const struct thread_memory *memory, uint64_t address)
{
    for (size_t i = 0; i < memory->constant_count; i++)
        if (address >= memory->constants[i].start &&
            address < memory->constants[i].end)
            return true;
    return false;
}

static const uint8_t *find_page(struct thread_memory *memory, uint64_t address)
{
    uint64_t hash = address / PAGE_SIZE * UINT64_C(0x9e3779b97f4a7c15);
    struct page *page = &memory->pages[hash >> 54];

    _Static_assert(PAGE_COUNT == 1u << (64 - 54), "the hash's upper bits");
    if (page->address == address &&
        (page->walk == memory->walk || page->walk == FOREVER))
        return page->bytes;
    page->walk = 0;
    if (address > INT64_MAX ||
        pread(memory->fd, page->bytes, PAGE_SIZE, (off_t)address) != PAGE_SIZE)
        return NULL;
    page->address = address;
    page->walk = is_constant(memory, address) ? FOREVER : memory->walk;
    return page->bytes;
}

bool thread_memory_read(struct thread_memory *memory, uint64_t address,
                        void *to, size_t size)
{
    uint8_t *out = to;

    while (size > 0) {
        size_t offset = address % PAGE_SIZE, piece = PAGE_SIZE - offset;
        const uint8_t *page = find_page(memory, address - offset);

        if (!page)
            return false;
        if (piece > size)
            piece = size;
        memcpy(out, page + offset, piece);
        out += piece;
        address += piece;
        size -= piece;
    }
    return true;
}
