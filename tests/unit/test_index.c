/* SPDX-License-Identifier: MIT */
/*
 * The index against a list that is searched from its start, filled to its
 * last id with hashes that begin at few slots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "index.h"

#define IDS_MAX 1024u

static struct entry {
    uint64_t hash;
    uint32_t id;
} model[IDS_MAX];
static uint32_t entries;

static uint32_t model_find(uint64_t hash)
{
    for (uint32_t i = 0; i < entries; i++)
        if (model[i].hash == hash)
            return model[i].id;
    return 0;
}

/* Tags differ in few bits, and many begin at one slot, the last among them. A
 * tag has one start: two hashes with equal tags are one to the index. */
static uint64_t some_hash(void)
{
    static const uint64_t starts[] = {0, 2047, 2046, 2045, 700};
    uint64_t tag = (uint64_t)random() % 3000;

    tag = (tag << tag % 20) + 1;
    return tag << INDEX_ID_BITS | starts[tag % 5];
}

static void test_model(void **state)
{
    struct index index = {0};

    (void)state;
    srandom(1);
    assert_int_equal(index_begin(&index, IDS_MAX), 0);
    while (entries < IDS_MAX - 1) {
        uint64_t hash = some_hash();
        uint32_t known = model_find(hash), id = entries + 1;

        assert_int_equal(index_find(&index, hash), known);
        assert_int_equal(index_insert(&index, hash, id), known ? known : id);
        if (!known)
            model[entries++] = (struct entry){hash, id};
    }
    for (uint32_t i = 0; i < entries; i++)
        assert_int_equal(index_find(&index, model[i].hash), model[i].id);
    for (int i = 0; i < 10000; i++) {
        uint64_t hash = some_hash();

        assert_int_equal(index_find(&index, hash), model_find(hash));
    }
}

/* A second beginning, in a child or not, keeps the memory. */
static void test_begin_again(void **state)
{
    struct index index = {0};
    uint64_t *slots;

    (void)state;
    assert_int_equal(index_begin(&index, 16), 0);
    slots = index.tables[0].slots;
    assert_int_equal(index.tables[0].mask, 31);
    assert_int_equal(index_insert(&index, UINT64_MAX, 5), 5);
    assert_int_equal(index_begin(&index, 16), 0);
    assert_ptr_equal(index.tables[0].slots, slots);
    assert_int_equal(index_find(&index, UINT64_MAX), 5);
    assert_int_equal(index_find(&index, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_begin_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
