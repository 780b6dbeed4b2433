/* SPDX-License-Identifier: MIT */
/*
 * The owner map against a flat array: random inserts, removes and look-ups at
 * every place a block can start, for both distances.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "os.h"
#include "owner.h"

#define BASE  0x7f1234500000u
#define SPAN  (64u << 20) /* crosses several leaves */
#define STEPS 400000

/* Where neither a program nor a sanitizer has anything. */
#define KEPT_BASE ((uintptr_t)0x7e9000000000)
#define GONE_BASE ((uintptr_t)0x7ea000000000)

static uint64_t taken;

static void compare_with_model(enum owner_distance kind, uint32_t distance)
{
    uint32_t places = SPAN / distance;
    uint32_t *model = calloc(places, sizeof(*model));

    assert_non_null(model);
    memset(&owner_map, 0, sizeof(owner_map));
    owner_begin(kind, UINT64_MAX, &taken);
    srandom(1);
    print_message("# seed 1, blocks at multiples of %u\n", distance);
    for (int i = 0; i < STEPS; i++) {
        uint32_t place = (uint32_t)random() % places;
        uintptr_t address = BASE + (uintptr_t)place * distance;
        bool followed;

        if (random() % 2) {
            uint32_t owner = 1 + (uint32_t)random() % 1000;
            uint32_t old = owner_insert(address, owner, &followed);

            assert_true(followed);
            assert_int_equal(old, model[place]);
            model[place] = owner;
        } else {
            assert_int_equal(owner_remove(address), model[place]);
            model[place] = 0;
        }
    }
    for (uint32_t place = 0; place < places; place++)
        assert_int_equal(owner_remove(BASE + (uintptr_t)place * distance),
                         model[place]);
    free(model);
}

static void test_distance_32(void **state)
{
    (void)state;
    compare_with_model(OWNER_DISTANCE_32, 32);
}

/* Other allocators have blocks of 8 bytes, 8 bytes apart. */
static void test_distance_8(void **state)
{
    (void)state;
    compare_with_model(OWNER_DISTANCE_8, 8);
}

static void test_no_place(void **state)
{
    bool followed;

    (void)state;
    memset(&owner_map, 0, sizeof(owner_map));
    owner_begin(OWNER_DISTANCE_8, UINT64_MAX, &taken);
    owner_insert(BASE + 4, 1, &followed);
    assert_false(followed);
    owner_insert((uintptr_t)1 << 60, 1, &followed);
    assert_false(followed);
    assert_int_equal(owner_remove((uintptr_t)1 << 60), 0);
    assert_int_equal(owner_remove(0), 0);
}

static void test_budget(void **state)
{
    bool followed;

    (void)state;
    memset(&owner_map, 0, sizeof(owner_map));
    taken = 0;
    owner_begin(OWNER_DISTANCE_32, OWNER_LEAF_BYTES + 65536, &taken);
    owner_insert(BASE, 7, &followed);
    assert_true(followed);
    owner_insert(BASE + SPAN, 7, &followed); /* another leaf: too much */
    assert_false(followed);
    assert_int_equal(owner_remove(BASE), 7);
    assert_true(taken <= OWNER_LEAF_BYTES + 65536);
}

/* Of blocks in ranges that are mapped the map knows all, of those in ranges
 * that are no longer it keeps nothing: made in turn. */
static void test_gives_back(void **state)
{
    uintptr_t leaf_range = (uintptr_t)1
                           << (OWNER_LEAF_BITS + OWNER_GRANULE_BITS);
    uintptr_t kept = KEPT_BASE;
    uintptr_t gone = GONE_BASE;
    enum { KEPT = 100, GONE = 20000 };
    bool followed;

    (void)state;
    memset(&owner_map, 0, sizeof(owner_map));
    taken = 0;
    owner_begin(OWNER_DISTANCE_32, UINT64_MAX, &taken);
    for (uint32_t i = 0; i < GONE; i++) {
        if (i < KEPT) { /* one page is enough, in the middle of the range */
            uintptr_t address = kept + i * leaf_range + leaf_range / 2;

            assert_true(os_reserve(address, OS_PAGE_SIZE));
            owner_insert(address, i + 1, &followed);
            assert_true(followed);
        }
        owner_insert(gone + i * leaf_range, 7, &followed);
        assert_true(followed);
        assert_int_equal(owner_remove(gone + i * leaf_range), 7);
        assert_true(taken <= (2 * KEPT + 32) * (uint64_t)OWNER_LEAF_BYTES);
    }
    for (uint32_t i = 0; i < KEPT; i++) {
        uintptr_t address = kept + i * leaf_range + leaf_range / 2;

        assert_int_equal(owner_remove(address), i + 1);
        os_unmap((void *)address, OS_PAGE_SIZE);
    }
}

/* A budget that is spent is there again when what took it is gone. */
static void test_budget_comes_back(void **state)
{
    uintptr_t leaf_range = (uintptr_t)1
                           << (OWNER_LEAF_BITS + OWNER_GRANULE_BITS);
    uintptr_t gone = GONE_BASE;
    uint32_t refused = 0;
    bool followed;

    (void)state;
    memset(&owner_map, 0, sizeof(owner_map));
    taken = 0;
    owner_begin(OWNER_DISTANCE_32, 4 * OWNER_LEAF_BYTES, &taken);
    for (uint32_t i = 0; i < 1000; i++) {
        owner_insert(gone + i * leaf_range, 7, &followed);
        refused += !followed;
    }
    assert_in_range(refused, 1, 900);
    assert_true(taken <= 4 * OWNER_LEAF_BYTES);
}

/* Where the budget is spent for good, blocks that find no room cost no search
 * each; and when room is there again it is found. */
static void test_pause(void **state)
{
    uintptr_t leaf_range = (uintptr_t)1
                           << (OWNER_LEAF_BITS + OWNER_GRANULE_BITS);
    enum { KEPT = 8, REFUSED = 100 * OWNER_PAUSE };
    uint32_t searches = 0, swept, waited = 0;
    bool followed;

    (void)state;
    memset(&owner_map, 0, sizeof(owner_map));
    taken = 0;
    owner_begin(OWNER_DISTANCE_32, (KEPT + 1) * OWNER_LEAF_BYTES - 1, &taken);
    for (uint32_t i = 0; i < KEPT; i++) {
        uintptr_t address = KEPT_BASE + i * leaf_range;

        assert_true(os_reserve(address, OS_PAGE_SIZE));
        owner_insert(address, i + 1, &followed);
        assert_true(followed);
    }
    swept = owner_map.swept;
    for (uint32_t i = 0; i < REFUSED; i++) {
        owner_insert(KEPT_BASE + KEPT * leaf_range, 7, &followed);
        assert_false(followed);
        searches += owner_map.swept != swept;
        swept = owner_map.swept;
    }
    assert_in_range(searches, 2, REFUSED / OWNER_PAUSE + 16);
    for (uint32_t i = 0; i < KEPT; i++) {
        assert_int_equal(owner_remove(KEPT_BASE + i * leaf_range), i + 1);
        os_unmap((void *)(KEPT_BASE + i * leaf_range), OS_PAGE_SIZE);
    }
    do
        owner_insert(KEPT_BASE + KEPT * leaf_range, 7, &followed);
    while (!followed && ++waited < 16 * OWNER_PAUSE);
    assert_true(followed);
}

/* A word that is asked for and then written costs one page fault, not one for
 * the page of zeros and one for its own. */
static void test_faults(void **state)
{
    enum { PAGES = 64, SLACK = 8 };
    uintptr_t page_range = OS_PAGE_SIZE / sizeof(uint32_t) * 32;
    struct rusage before, after;

    (void)state;
#if !defined(__x86_64__) || defined(__SANITIZE_ADDRESS__) ||                   \
    defined(__SANITIZE_THREAD__) /* they have faults of their own */
    skip();
#endif
    memset(&owner_map, 0, sizeof(owner_map));
    owner_begin(OWNER_DISTANCE_32, UINT64_MAX, &taken);
    assert_non_null(owner_slot_make(BASE));
    assert_return_code(getrusage(RUSAGE_THREAD, &before), errno);
    for (uintptr_t i = 1; i <= PAGES; i++) {
        uint32_t *slot = owner_slot(BASE + i * page_range);

        assert_non_null(slot);
        assert_false(owner_is_taken(slot));
        *slot = 1;
        assert_true(owner_is_taken(slot));
    }
    assert_return_code(getrusage(RUSAGE_THREAD, &after), errno);
    assert_in_range(after.ru_minflt - before.ru_minflt, PAGES / 2,
                    PAGES + SLACK);
}

int main(void)
{
    /* The map keeps nothing of addresses where nothing is mapped. */
    bool reserved = os_reserve(BASE, SPAN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_32),
        cmocka_unit_test(test_distance_8),
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_gives_back),
        cmocka_unit_test(test_budget_comes_back),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_faults),
    };

    if (!reserved)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
