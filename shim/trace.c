/* SPDX-License-Identifier: MIT */
/*
 * trace.c - see trace.h.
 *
 * The ring is a sequence lock an element, by the number of the moment in it:
 *
 *   0 --claim--> WRITING(n) --filled--> COMPLETE(n) --claim--> WRITING(m) ...
 *
 * with m = n + k * SEGMENT_MOMENTS, k > 0.
 *
 * R1  Whoever draws n from `moments` is the only one to claim n, once, and
 *     drops it where that fails: nobody waits, every step is bounded.
 * R2  `state` only grows, so a late thread cannot undo a later moment.
 * R3  Between WRITING(n) and COMPLETE(n) only the thread of n writes there. A
 *     thread that never comes back (a signal handler's longjmp) leaves WRITING:
 *     that element is dropped and counted at each turn from then on.
 * R4  Who sees a word of moment n sees n drawn from `moments`: each is stored
 *     with release. (A fence before them would do, but ThreadSanitizer knows
 *     none.) This is what the reader refuses moments by that may be torn
 *     (tools/trace_ring.c).
 *
 * tests/torture/torture_trace.c and tests/unit/test_trace_ring.c would see a
 * violation.
 */
#include "trace.h"

#include "cc.h"
#include "extent.h"
#include "life.h"
#include "os.h"

static struct segment_trace *trace_words(void)
{
    return &life->header->trace;
}

bool trace_runs(void)
{
    struct segment_trace *words = trace_words();
    uint64_t lease_ns = __atomic_load_n(&words->lease_ns, __ATOMIC_RELAXED);

    if (LIKELY(lease_ns == 0))
        return false;
    if (os_monotonic_ns() < lease_ns)
        return true;
    /* The reader writes it, too: one that was renewed meanwhile stays. Nothing
     * else hangs on it, so relaxed will do. */
    __atomic_compare_exchange_n(&words->lease_ns, &lease_ns, 0, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return false;
}

bool trace_takes(enum segment_event event, uint64_t delay_ns)
{
    struct segment_trace *words = trace_words();

    if (!trace_runs())
        return false;
    if (!SEGMENT_EVENT_MAY_BE_SHORT(event) ||
        delay_ns >= __atomic_load_n(&words->short_ns, __ATOMIC_RELAXED))
        return true;
    __atomic_fetch_add(&words->shorts, 1, __ATOMIC_RELAXED);
    return false;
}

static struct segment_moment *moment_at(uint64_t number)
{
    uint32_t element = (uint32_t)(number % SEGMENT_MOMENTS);
    uint32_t extent = element / SEGMENT_MOMENTS_PER_EXTENT;
    struct segment_moment *moments =
        extent_get(&life->moments[extent], SEGMENT_EXTENT_MOMENTS, 0,
                   extent * SEGMENT_MOMENTS_PER_EXTENT);

    return moments ? moments + element % SEGMENT_MOMENTS_PER_EXTENT : NULL;
}

/* Makes the element this moment's; false when a thread that was delayed for a
 * whole turn of the ring is still at it, or has come too late itself. Acquire:
 * what the moment before wrote comes before what this one will. */
static bool claim(struct segment_moment *moment, uint64_t number)
{
    uint64_t state = __atomic_load_n(&moment->state, __ATOMIC_RELAXED);

    return !(state & 1) && state < SEGMENT_MOMENT_WRITING(number) &&
           __atomic_compare_exchange_n(&moment->state, &state,
                                       SEGMENT_MOMENT_WRITING(number), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void trace_record(enum segment_event event, uint32_t callsite,
                  uint64_t delay_ns)
{
    uint64_t number =
        __atomic_fetch_add(&trace_words()->moments, 1, __ATOMIC_RELAXED);
    struct segment_moment *moment = moment_at(number);

    if (!moment || !claim(moment, number)) {
        life_lose(SEGMENT_LOSS_MOMENTS_DROPPED, 1);
        return;
    }
    __atomic_store_n(&moment->end_ns, os_monotonic_ns(), __ATOMIC_RELEASE);
    __atomic_store_n(&moment->delay_ns, delay_ns, __ATOMIC_RELEASE);
    __atomic_store_n(&moment->callsite, callsite, __ATOMIC_RELEASE);
    __atomic_store_n(&moment->thread, SEGMENT_MOMENT_THREAD(event, os_gettid()),
                     __ATOMIC_RELEASE);
    /* Pairs with the reader, which copies states first; and with claim(). */
    __atomic_store_n(&moment->state, SEGMENT_MOMENT_COMPLETE(number),
                     __ATOMIC_RELEASE);
}
