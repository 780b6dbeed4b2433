/* SPDX-License-Identifier: MIT */
/* waiter.c - see waiter.h. */
#include "waiter.h"

#include <errno.h>

#include "life.h"
#include "os.h"

/* No lock has this address: a slot that is being filled. */
#define SLOT_TAKEN ((uintptr_t)1)

struct waiter_table *waiter_table;

int waiter_begin(void)
{
    if (!waiter_table)
        waiter_table = os_map_wiped(sizeof(*waiter_table));
    return waiter_table ? 0 : -ENOMEM;
}

static uint32_t *waiting_for(uintptr_t lock)
{
    return &waiter_table->waiting[waiter_home(lock)];
}

/* A slot in reach of the home, now SLOT_TAKEN. */
static struct waiter *take_slot(uint32_t home)
{
    for (uint32_t i = 0; i < WAITER_REACH; i++) {
        struct waiter *slot = &waiter_table->slots[home + i];
        uintptr_t none = 0;

        if (__atomic_load_n(&slot->lock, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(&slot->lock, &none, SLOT_TAKEN, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return slot;
    }
    return NULL;
}

struct waiter *waiter_enter(const void *lock, uint64_t now_ns)
{
    struct waiter *slot = take_slot(waiter_home((uintptr_t)lock));

    if (!slot) {
        life_lose(SEGMENT_LOSS_WAITERS_FULL, 1);
        return NULL;
    }
    __atomic_store_n(&slot->tid, (uint32_t)os_gettid(), __ATOMIC_RELAXED);
    __atomic_store_n(&slot->began_ns, now_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->since_ns, now_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->lock, (uintptr_t)lock, __ATOMIC_RELEASE);
    __atomic_fetch_add(waiting_for((uintptr_t)lock), 1, __ATOMIC_SEQ_CST);
    return slot;
}

/* For the one who made `since_ns` 0. */
static void free_slot(struct waiter *slot)
{
    uintptr_t lock = __atomic_load_n(&slot->lock, __ATOMIC_RELAXED);

    __atomic_store_n(&slot->lock, 0, __ATOMIC_RELEASE);
    __atomic_fetch_sub(waiting_for(lock), 1, __ATOMIC_RELAXED);
}

void waiter_leave(struct waiter *waiter)
{
    if (waiter &&
        __atomic_exchange_n(&waiter->since_ns, 0, __ATOMIC_ACQ_REL) != 0)
        free_slot(waiter);
}

static bool is_dead(const struct waiter *slot, uint64_t now_ns)
{
    uint64_t began_ns = __atomic_load_n(&slot->began_ns, __ATOMIC_RELAXED);
    uint32_t tid = __atomic_load_n(&slot->tid, __ATOMIC_RELAXED);

    return now_ns > began_ns + WAITER_DOUBTED_AFTER_NS &&
           !os_thread_exists(os_getpid(), (int)tid);
}

/* The time in a slot, if it is one of this lock's. Whoever gets the slot for
 * another wait in between writes another time there, and the exchange fails. */
static uint64_t take_time(struct waiter *slot, uintptr_t lock, uint64_t now_ns)
{
    uint64_t since_ns;
    bool dead;

    if (__atomic_load_n(&slot->lock, __ATOMIC_ACQUIRE) != lock)
        return 0;
    since_ns = __atomic_load_n(&slot->since_ns, __ATOMIC_ACQUIRE);
    if (since_ns == 0 || since_ns >= now_ns ||
        __atomic_load_n(&slot->lock, __ATOMIC_ACQUIRE) != lock)
        return 0;
    dead = is_dead(slot, now_ns);
    if (!__atomic_compare_exchange_n(&slot->since_ns, &since_ns,
                                     dead ? 0 : now_ns, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return 0;
    if (dead)
        free_slot(slot);
    return dead ? 0 : now_ns - since_ns;
}

struct waiter_charge waiter_charge(const void *lock, uint64_t now_ns)
{
    struct waiter *slots = &waiter_table->slots[waiter_home((uintptr_t)lock)];
    struct waiter_charge charge = {0, 0};

    for (uint32_t i = 0; i < WAITER_REACH; i++) {
        uint64_t delay_ns = take_time(&slots[i], (uintptr_t)lock, now_ns);

        charge.waiters += delay_ns != 0;
        charge.delay_ns += delay_ns;
    }
    return charge;
}
