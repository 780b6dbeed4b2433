/* SPDX-License-Identifier: MIT */
/*
 * Generations of threads that count and die: newcomers take over the shards of
 * the dead, more threads than shards share the common one, and signal handlers
 * count in between; no count is lost. The adds of a thread's own shard are
 * single unlocked instructions in release; that a handler's are not lost is
 * what they are for (counter.h).
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "own_life.h"
#include "shard_count.h"
#include "torture.h"

#define CALLSITES 5000 /* rows in several extents */
#define STEPS     20000
#define MANY      (SEGMENT_SHARDS_MAX + 20)

static __thread struct shard *own;
static uint64_t handled, counted, spaced;
static pthread_barrier_t alive;

/* One more block at a callsite, and one less. */
static void count_pair(uint32_t callsite, uint64_t size)
{
    shard_count_alloc(own, callsite, size);
    shard_count_free(own, callsite, size);
    shard_add_calls(own, 1, 1, 0);
}

static void on_alarm(int number)
{
    (void)number;
    for (int i = 0; i < 10; i++)
        count_pair(SEGMENT_SINK_COUNT, 64);
    __atomic_fetch_add(&handled, 10, __ATOMIC_RELAXED);
}

static void count_many(uint64_t seed, int steps)
{
    uint64_t state = seed, space = 0;

    for (int i = 0; i < steps; i++) {
        /* Half of them hot, where the handler counts too. */
        uint64_t number = torture_random(&state);
        uint32_t callsite =
            number & 1 ? SEGMENT_SINK_COUNT : (uint32_t)(number % CALLSITES);
        uint64_t size = number >> 60;

        if (callsite == SEGMENT_SINK_NONE)
            callsite = SEGMENT_SINK_NESTED;
        count_pair(callsite, size);
        space += size;
    }
    __atomic_fetch_add(&counted, (uint64_t)steps, __ATOMIC_RELAXED);
    __atomic_fetch_add(&spaced, space, __ATOMIC_RELAXED);
}

static void alarms(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(how, &set, NULL);
}

static void live_and_die(int thread)
{
    own = shard_claim();
    alarms(SIG_UNBLOCK);
    count_many((uint64_t)thread + 1, STEPS);
}

static void crowd(int thread)
{
    own = shard_claim();
    pthread_barrier_wait(&alive); /* nobody's shard is free yet */
    count_many((uint64_t)thread + 1, STEPS / 100);
    pthread_barrier_wait(&alive);
}

static bool totals_are_right(void)
{
    struct shard_totals totals;
    uint64_t pairs = counted + handled, space = spaced + 64 * handled;

    shard_read_totals(&totals);
    printf("# %lu pairs, %lu of them in handlers\n", (unsigned long)pairs,
           (unsigned long)handled);
    return totals.callsites.alloc_objects == pairs &&
           totals.callsites.free_objects == pairs &&
           totals.callsites.alloc_space == space &&
           totals.callsites.free_space == space &&
           totals.calls.allocs == pairs && totals.calls.frees == pairs;
}

int main(void)
{
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    uint32_t after_one;

    own_life_begin(SEGMENT_EXTENTS_MAX);
    if (shard_begin() != 0)
        abort();
    for (uint32_t i = 0; i < CALLSITES; i++)
        if (!shard_prepare(i))
            abort();

    alarms(SIG_BLOCK); /* in this thread, which has no shard */
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &every, NULL);
    torture_run(live_and_die, TORTURE_THREADS);
    after_one = life->header->shards_used;
    for (int i = 0; i < 30; i++)
        torture_run(live_and_die, TORTURE_THREADS);
    setitimer(ITIMER_REAL, &never, NULL);
    torture_ok(totals_are_right(), "no count lost over 31 generations");
    torture_ok(handled > 0, "handlers counted too");
    torture_ok(life->header->shards_used <= after_one + TORTURE_THREADS,
               "the dead's shards were taken over");

    pthread_barrier_init(&alive, NULL, MANY);
    torture_run(crowd, MANY);
    torture_ok(totals_are_right(), "no count lost by more threads than shards");
    torture_ok(life->header->losses[SEGMENT_LOSS_SHARDS_SHARED] >=
                   MANY - (SEGMENT_SHARDS_MAX - 1),
               "those that share a shard are counted");
    return torture_done();
}
