/* SPDX-License-Identifier: MIT */
/*
 * Threads intern the same stacks in different orders, while the tables fill
 * up and after (each round in a new process, as tables are for ever): one id a
 * stack, and every id leads to the stack it was given for, or once the tables
 * are full to an outer part of it.
 */
#include <string.h>
#include <sys/wait.h>

#include "callsite.h"
#include "module.h"
#include "own_life.h"
#include "shard.h"
#include "torture.h"

#define IDS_MAX (1u << 12)
#define STACKS  6000 /* more than there are ids */
#define DEPTH   12
#define ROUNDS  15

static uintptr_t stacks[STACKS][DEPTH]; /* leaf first */
static int depths[STACKS];
static uint32_t ids[TORTURE_THREADS][STACKS];

static void intern_all(int thread)
{
    static const int strides[TORTURE_THREADS] = {1, 7, 11, 13};

    for (int round = 0; round < 2; round++)
        for (int i = 0, at = thread; i < STACKS; i++) {
            ids[thread][at] =
                callsite_intern(stacks[at], (size_t)depths[at], 0);
            at = (at + strides[thread]) % STACKS;
        }
}

/* Few functions: stacks share their outer frames, as real ones do. */
static void make_stacks(void)
{
    uint64_t state = 42;

    for (int i = 0; i < STACKS; i++) {
        depths[i] = 1 + (int)(torture_random(&state) % DEPTH);
        for (int j = 0; j < depths[i]; j++)
            stacks[i][j] = 0x1000 + torture_random(&state) % 3;
    }
}

/* The frames that an id's stack shares with stack i, from the root: all that
 * the id has, or -1. */
static int frames_shared(uint32_t id, int i)
{
    uintptr_t pcs[DEPTH];
    int depth = own_life_stack(id, pcs, DEPTH);

    if (id < SEGMENT_SINK_COUNT)
        return id == SEGMENT_SINK_FULL ? 0 : -1;
    if (depth < 0 || depth > depths[i] ||
        memcmp(pcs, stacks[i] + depths[i] - depth,
               (size_t)depth * sizeof(pcs[0])) != 0)
        return -1;
    return depth;
}

enum { WRONG = 1, DISAGREED = 2, NOT_FULL = 4, BEYOND = 8 };

/* Returns what went wrong. */
static int run_round(void)
{
    int whole = 0, cut = 0, wrong = 0, disagreed = 0;

    own_life_begin(256);
    if (shard_begin() != 0 || module_reset() != 0 || callsite_begin(IDS_MAX))
        abort();
    torture_run(intern_all, TORTURE_THREADS);
    for (int i = 0; i < STACKS; i++) {
        uint32_t agreed = 0;

        for (int t = 0; t < TORTURE_THREADS; t++) {
            int shared = frames_shared(ids[t][i], i);

            wrong += shared < 0;
            cut += shared >= 0 && shared < depths[i];
            if (shared != depths[i])
                continue;
            whole++;
            disagreed += agreed && agreed != ids[t][i];
            agreed = ids[t][i];
        }
    }
    return (wrong ? WRONG : 0) | (disagreed ? DISAGREED : 0) |
           (whole && cut && life->header->losses[SEGMENT_LOSS_TABLE_FULL]
                ? 0
                : NOT_FULL) |
           (life->header->callsites_used <= IDS_MAX &&
                    life->header->nodes_used <= IDS_MAX
                ? 0
                : BEYOND);
}

int main(void)
{
    int failed = 0;

    make_stacks();
    for (int round = 0; round < ROUNDS; round++) {
        int status = -1;
        pid_t child = fork();

        if (child == 0)
            _exit(run_round());
        if (child < 0 || waitpid(child, &status, 0) != child ||
            !WIFEXITED(status))
            abort();
        failed |= WEXITSTATUS(status);
    }
    torture_ok(failed < 16, "no round ended early");
    torture_ok(!(failed & WRONG), "an id is of its stack or an outer part");
    torture_ok(!(failed & DISAGREED), "one id a stack in all threads");
    torture_ok(!(failed & NOT_FULL), "the tables were full, and it counted");
    torture_ok(!(failed & BEYOND), "no id beyond the limit");
    return torture_done();
}
