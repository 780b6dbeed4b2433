/* SPDX-License-Identifier: MIT */
/*
 * steps.c - `steps SCENARIO PROGRESS`: says by SIGTRAP where its interesting
 * part begins, and in the shared file PROGRESS how far it is: each count stands
 * once before and once after what it counts. Scenarios:
 *
 *   warm    pairs of malloc and free, from one place
 *   stacks  each block from a stack of its own
 *   extent  the same, where the shim's tables need their next extent
 *   grow    one block through realloc, up to the size that is mapped
 *   child   a forked child's first blocks: its segment is made
 *   exit    exit(0): its profile is kept and its segment goes
 *
 * It must not allocate otherwise: no stdio. Read next: kill_sweep.c.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "steps.h"

static volatile struct steps_progress *progress;
static void *volatile kept[4096];

static __attribute__((noinline)) void *allocate(size_t size)
{
    void *block;

    progress->allocs_begun++;
    block = malloc(size);
    progress->allocs_done++;
    return block;
}

static void release(void *block)
{
    progress->frees_begun++;
    free(block);
    progress->frees_done++;
}

static void *grow(void *block, size_t size)
{
    progress->frees_begun++;
    progress->allocs_begun++;
    block = realloc(block, size);
    progress->allocs_done++;
    progress->frees_done++;
    return block;
}

/* A stack for each number: two ways down at each of its bits. */
static void *way(unsigned number, int bits)
{
    void *block;

    if (bits == 0)
        return allocate(16 + number % 100);
    if (number & 1u << (bits - 1))
        block = way(number, bits - 1);
    else
        block = way(number, bits - 1);
    __asm__ volatile("" : "+r"(block)); /* two calls, and no tail */
    return block;
}

static void use_stacks(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        kept[i] = way(i, 12);
}

static void begin(void)
{
    raise(SIGTRAP);
}

static void run(const char *scenario)
{
    static const size_t sizes[] = {1, 40, 2000, 200000, 300000, 10};
    void *block;

    use_stacks(0, strcmp(scenario, "extent") == 0 ? 2030 : 3);
    for (int i = 0; i < 10; i++)
        release(allocate(37));
    if (strcmp(scenario, "child") == 0 && fork() != 0)
        _exit(0);
    if (strcmp(scenario, "child") == 0)
        memset((void *)progress, 0, sizeof(*progress));
    begin();
    if (strcmp(scenario, "warm") == 0)
        for (int i = 0; i < 10; i++)
            release(allocate(37));
    else if (strcmp(scenario, "stacks") == 0 || strcmp(scenario, "child") == 0)
        use_stacks(3, 13);
    else if (strcmp(scenario, "extent") == 0)
        use_stacks(2030, 2060);
    else if (strcmp(scenario, "grow") == 0)
        for (block = allocate(1); progress->allocs_done < 40;)
            block = grow(block, sizes[progress->allocs_done % 6]);
    progress->over = strcmp(scenario, "exit") != 0;
}

int main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0)
        return 2;
    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED,
                    fd, 0);
    if (progress == MAP_FAILED)
        return 2;
    run(argv[1]);
    return 0;
}
