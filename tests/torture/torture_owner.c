/* SPDX-License-Identifier: MIT */
/*
 * Blocks handed from thread to thread, over many leaves that several threads
 * map at once: an owner that was entered is what is taken out, and a place is
 * empty when nobody's block is there.
 */
#include "os.h"
#include "owner.h"
#include "torture.h"

#define BASE     0x7e9000000000u /* nothing there, nor of a sanitizer */
#define LEAVES   40
#define DISTANCE ((uintptr_t)8 << 20) /* what a leaf covers on glibc */
#define STEPS    2000000
#define PLACES   64

static uint64_t taken;
static uint32_t turns[LEAVES][PLACES]; /* 0 free, 1 held; the allocator */
static bool wrong, unfollowed;

/* A block is its thread's alone between its taking and its giving back, as
 * with a real allocator; the map may order nothing. */
static void allocate_and_free(int thread)
{
    uint64_t state = (uint64_t)thread + 1;

    for (int i = 0; i < STEPS; i++) {
        uint64_t number = torture_random(&state) >> 20;
        uint32_t leaf = (uint32_t)(number % LEAVES);
        uint32_t place = (uint32_t)(number / LEAVES % PLACES);
        uintptr_t address = BASE + leaf * DISTANCE + place * 32u;
        uint32_t owner = 1 + (uint32_t)(number % 1000), none = 0;
        bool followed;

        if (!__atomic_compare_exchange_n(&turns[leaf][place], &none, 1, false,
                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            continue;
        if (owner_insert(address, owner, &followed) != 0)
            __atomic_store_n(&wrong, true, __ATOMIC_RELAXED);
        if (!followed)
            __atomic_store_n(&unfollowed, true, __ATOMIC_RELAXED);
        if (owner_remove(address) != owner)
            __atomic_store_n(&wrong, true, __ATOMIC_RELAXED);
        __atomic_store_n(&turns[leaf][place], 0, __ATOMIC_RELEASE);
    }
}

int main(void)
{
    uint64_t middle = (1u << OWNER_MIDDLE_BITS) * sizeof(uint32_t *);

    /* Leaves of addresses where nothing is mapped would be given back. */
    torture_ok(os_reserve(BASE, LEAVES * DISTANCE), "addresses");
    owner_begin(OWNER_DISTANCE_32, UINT64_MAX, &taken);
    torture_run(allocate_and_free, TORTURE_THREADS);
    torture_ok(!wrong, "every owner came back, and none was left");
    torture_ok(!unfollowed, "every block had a place");
    /* Threads that lose the race for a table give theirs back. */
    torture_ok((taken - LEAVES * OWNER_LEAF_BYTES) % middle == 0 &&
                   taken - LEAVES * OWNER_LEAF_BYTES <= 2 * middle,
               "each table was paid for once");
    return torture_done();
}
