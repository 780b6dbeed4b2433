/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for a few locks, and others that give them back, at once:
 * no moment of a wait is charged to two, none that was not a wait, and in the
 * end nobody waits. Time is a counter that everybody moves, so all sums are
 * exact. Where the reach of a lock is full, that is counted.
 */
#include <sched.h>
#include <string.h>

#include "own_life.h"
#include "torture.h"
#include "waiter.h"

#define LOCKS 7
#define STEPS 2000
#define AHEAD 5 /* a thread waits for so many locks at once */

static char locks[LOCKS][64];
static uint64_t now = 1;
static uint64_t waited[LOCKS], charged[LOCKS], charges;
static uint64_t refused;
static int done; /* threads that have waited enough */

static uint64_t tick(void)
{
    return __atomic_add_fetch(&now, 1, __ATOMIC_SEQ_CST);
}

static void wait_once(const void *lock[AHEAD], const int which[AHEAD])
{
    struct waiter *waiters[AHEAD];
    uint64_t began[AHEAD];

    for (int i = 0; i < AHEAD; i++) {
        began[i] = tick();
        waiters[i] = waiter_enter(lock[i], began[i]);
        if (!waiters[i])
            __atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
    }
    sched_yield();
    for (int i = 0; i < AHEAD; i++) {
        waiter_leave(waiters[i]);
        __atomic_fetch_add(&waited[which[i]], tick() - began[i],
                           __ATOMIC_RELAXED);
    }
}

static void release_once(int which)
{
    struct waiter_charge charge;

    if (!waiter_exists(locks[which]))
        return;
    charge = waiter_charge(locks[which], tick());
    if (charge.waiters == 0 && charge.delay_ns != 0)
        abort();
    __atomic_fetch_add(&charged[which], charge.delay_ns, __ATOMIC_RELAXED);
    __atomic_fetch_add(&charges, charge.waiters, __ATOMIC_RELAXED);
}

static void wait_often(uint64_t state)
{
    for (int i = 0; i < STEPS; i++) {
        const void *lock[AHEAD];
        int which[AHEAD];

        for (int j = 0; j < AHEAD; j++) {
            which[j] = (int)(torture_random(&state) % LOCKS);
            lock[j] = locks[which[j]];
        }
        wait_once(lock, which);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
}

/* Half of the threads wait, the others release as long as they do. */
static void wait_or_release(int thread)
{
    uint64_t state = (uint64_t)thread + 1;

    if (thread % 2)
        wait_often(state);
    else
        while (__atomic_load_n(&done, __ATOMIC_RELAXED) < TORTURE_THREADS) {
            release_once((int)(torture_random(&state) % LOCKS));
            sched_yield();
        }
}

/* More waiters of one lock than are seen. */
static void overfill(void)
{
    struct waiter *waiters[2 * WAITER_REACH];
    struct waiter_charge charge;
    uint64_t *lost = &life->header->losses[SEGMENT_LOSS_WAITERS_FULL];
    uint32_t in = 0;

    for (uint32_t i = 0; i < 2 * WAITER_REACH; i++) {
        waiters[i] = waiter_enter(locks[0], tick());
        in += waiters[i] != NULL;
    }
    torture_ok(in == WAITER_REACH && *lost == refused + WAITER_REACH,
               "waiters without room are counted");
    charge = waiter_charge(locks[0], tick());
    torture_ok(charge.waiters == WAITER_REACH, "those with room are seen");
    for (uint32_t i = 0; i < 2 * WAITER_REACH; i++)
        waiter_leave(waiters[i]);
    torture_ok(!waiter_exists(locks[0]) &&
                   waiter_charge(locks[0], tick()).waiters == 0,
               "and then nobody waits");
}

int main(void)
{
    struct waiter_table empty;
    bool fits = true;

    own_life_begin(8);
    if (waiter_begin() != 0)
        abort();
    torture_run(wait_or_release, 2 * TORTURE_THREADS);
    for (int i = 0; i < LOCKS; i++)
        fits &= charged[i] <= waited[i];
    torture_ok(fits, "nobody is charged for more than others waited");
    torture_ok(charges > 0, "somebody is charged");
    torture_ok(life->header->losses[SEGMENT_LOSS_WAITERS_FULL] == refused,
               "refused waiters are counted");
    memset(&empty, 0, sizeof(empty));
    fits = memcmp(empty.waiting, waiter_table->waiting,
                  sizeof(empty.waiting)) == 0;
    for (uint32_t i = 0; i < WAITER_SLOTS; i++)
        fits &= waiter_table->slots[i].lock == 0 &&
                waiter_table->slots[i].since_ns == 0;
    torture_ok(fits, "in the end nobody waits");
    overfill();
    return torture_done();
}
