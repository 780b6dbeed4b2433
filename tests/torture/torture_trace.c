/* SPDX-License-Identifier: MIT */
/*
 * Threads that write moments to the ring (shim/trace.h) while the tools' reader
 * takes them out, faster than it can and slower: what it has is whole, and
 * once, and each that it has not is counted. Then what a lease is.
 */
#include <sched.h>
#include <time.h>

#include "own_life.h"
#include "torture.h"
#include "trace.h"
#include "trace_ring.h"

#define STEPS 100000 /* moments of each thread: some turns of the ring */
#define PAUSE 200    /* between so many the reader may catch up */

static struct trace_ring *ring;
static int writers;
static bool slowly;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* What is in a moment follows from its delay, which no other has. */
static uint32_t callsite_of(uint64_t delay_ns)
{
    return (uint32_t)(delay_ns * 2654435761u);
}

/* One that the reader takes however short, so that losses can be counted. */
static enum segment_event event_of(uint64_t delay_ns)
{
    return delay_ns % 3 ? SEGMENT_EVENT_CPU : SEGMENT_EVENT_THREAD;
}

static void write_all(uint64_t thread)
{
    for (uint64_t i = 0; i < STEPS; i++) {
        uint64_t delay_ns = thread * STEPS + i;

        trace_record(event_of(delay_ns), callsite_of(delay_ns), delay_ns);
        if (slowly && i % PAUSE == 0)
            sched_yield();
    }
    __atomic_fetch_sub(&writers, 1, __ATOMIC_RELAXED);
}

static uint64_t begun(void)
{
    return __atomic_load_n(&life->header->trace.moments, __ATOMIC_RELAXED);
}

static bool all_is_written(void)
{
    return __atomic_load_n(&writers, __ATOMIC_RELAXED) == 0;
}

/* Until some is lost for sure, or at once. */
static void wait_for_more(uint64_t since)
{
    while (!slowly && begun() - since < 2 * SEGMENT_MOMENTS &&
           !all_is_written())
        sched_yield();
}

static void read_or_write(int thread)
{
    if (thread > 0) {
        write_all((uint64_t)thread - 1);
        return;
    }
    while (!all_is_written()) {
        wait_for_more(begun());
        if (trace_ring_drain(ring) != 0)
            abort();
    }
    if (trace_ring_drain(ring) != 0)
        abort();
}

static bool is_whole(const struct segment_moment *moment, uint64_t from_ns)
{
    return moment->delay_ns < (uint64_t)TORTURE_THREADS * STEPS &&
           moment->callsite == callsite_of(moment->delay_ns) &&
           SEGMENT_MOMENT_EVENT(moment->thread) ==
               (uint32_t)event_of(moment->delay_ns) &&
           moment->end_ns >= from_ns && moment->end_ns <= now_ns();
}

static bool check(struct trace_moments moments, uint64_t from_ns)
{
    bool *seen = calloc((size_t)TORTURE_THREADS * STEPS, sizeof(*seen));
    bool good = seen != NULL;

    for (size_t i = 0; good && i < moments.count; i++) {
        good = is_whole(&moments.list[i], from_ns) &&
               !seen[moments.list[i].delay_ns];
        if (good)
            seen[moments.list[i].delay_ns] = true;
    }
    free(seen);
    return good;
}

static void trace(const char *name)
{
    const uint64_t *dropped;
    uint64_t from_ns = now_ns();
    struct trace_moments moments;

    own_life_begin(2 * SEGMENT_MOMENT_EXTENTS);
    dropped = &life->header->losses[SEGMENT_LOSS_MOMENTS_DROPPED];
    writers = TORTURE_THREADS;
    if (trace_ring_open(own_life_fd, &ring) != 0)
        abort();
    torture_run(read_or_write, TORTURE_THREADS + 1);
    moments = trace_ring_moments(ring);
    printf("# %zu taken, %llu lost, %llu of them dropped\n", moments.count,
           (unsigned long long)moments.lost, (unsigned long long)*dropped);
    torture_ok(check(moments, from_ns), name);
    torture_ok(moments.count > STEPS && moments.count + moments.lost ==
                                            (uint64_t)TORTURE_THREADS * STEPS,
               "what is not taken is counted");
    torture_ok(*dropped <= moments.lost, "and so is what is not written");
    torture_ok(moments.count > 0 && (slowly || moments.lost > 0),
               "of both there is some");
    trace_ring_close(ring);
}

/* No extent is left: dropped, counted, and nothing else. */
static void overfill(void)
{
    own_life_begin(0);
    trace_record(SEGMENT_EVENT_CPU, 1, 1);
    torture_ok(life->header->losses[SEGMENT_LOSS_MOMENTS_DROPPED] == 1,
               "without room it is counted");
}

static void lease(void)
{
    uint64_t *lease_ns = &life->header->trace.lease_ns;

    torture_ok(!trace_runs(), "no lease, no trace");
    *lease_ns = now_ns() + UINT64_C(3600000000000);
    torture_ok(trace_runs() && *lease_ns != 0, "a lease that runs");
    life->header->trace.short_ns = 100;
    torture_ok(trace_takes(SEGMENT_EVENT_CPU, 1) &&
                   trace_takes(SEGMENT_EVENT_BLOCK, 100) &&
                   life->header->trace.shorts == 0,
               "takes waits that are long, and all that are none");
    torture_ok(!trace_takes(SEGMENT_EVENT_BLOCK, 99) &&
                   !trace_takes(SEGMENT_EVENT_MUTEX, 99) &&
                   life->header->trace.shorts == 2,
               "and counts the others");
    *lease_ns = now_ns() - 1;
    torture_ok(!trace_runs() && *lease_ns == 0, "one that is over is ended");
}

int main(void)
{
    trace("a reader that is outrun has whole moments, each once");
    slowly = true;
    trace("and so has one that keeps up");
    overfill();
    lease();
    return torture_done();
}
