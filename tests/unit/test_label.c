/* SPDX-License-Identifier: MIT */
/*
 * Sets of labels against a model: for each key the last value that was set. A
 * set is read back from the segment by its table alone. Equal sets are one
 * number however they came about; what finds no room is left out and counted;
 * and stacks under different labels are different callsites.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callsite.h"
#include "extent.h"
#include "label.h"
#include "module.h"
#include "os.h"
#include "own_life.h"
#include "shard.h"

#define KEYS    5
#define VALUES  4
#define CHANGES 20000
#define THREADS 4

static const char *const keys[KEYS] = {"b", "a", "bb", "\xff", "handler"};
static const char *const values[VALUES] = {"", "1", "b", "/search"};

static const struct segment_label *label(uint32_t id)
{
    return own_life_element(SEGMENT_EXTENT_LABELS, 0, id,
                            SEGMENT_LABELS_PER_EXTENT,
                            sizeof(struct segment_label));
}

/* The value of a key in a set, as a new string; NULL when it has none. Checks
 * the set. */
static char *value_in(uint32_t set, const char *key, unsigned *count)
{
    char *found = NULL, last[SEGMENT_LABEL_TEXT_MAX + 1] = "";

    *count = 0;
    for (uint32_t id = set; id; id = label(id)->parent) {
        const struct segment_label *record = label(id);
        char *own = strndup(record->text, record->key_length);

        assert_true(record->parent < id);
        assert_true(record->key_length > 0 && record->value_length > 0);
        assert_true(*count == 0 || strcmp(own, last) < 0);
        strcpy(last, own);
        ++*count;
        if (strcmp(own, key) == 0)
            found = strndup(record->text + record->key_length,
                            record->value_length);
        free(own);
    }
    return found;
}

/* The one life of this process: the tables outside the segment stay. */
static int begin(void **state)
{
    (void)state;
    own_life_begin(64);
    return shard_begin() || module_reset() || callsite_begin(1024);
}

static int begin_thread(void **state)
{
    (void)state;
    thread_self.epoch = life->epoch;
    thread_self.labels = 0;
    thread_self.place = NULL;
    return 0;
}

/* ---- the model --------------------------------------------------------- */

static void test_model(void **state)
{
    const char *now[KEYS] = {"", "", "", "", ""};
    static uint32_t sets[1 << (2 * KEYS)]; /* by the model's state */
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < CHANGES; i++) {
        int key = rand_r(&seed) % KEYS, value = rand_r(&seed) % VALUES;
        unsigned count, expected = 0, number = 0;

        assert_int_equal(label_set(keys[key], value ? values[value] : NULL), 0);
        now[key] = values[value];
        for (int k = 0; k < KEYS; k++) {
            char *got = value_in(label_current(), keys[k], &count);

            expected += *now[k] != 0;
            assert_string_equal(got ? got : "", now[k]);
            free(got);
            for (unsigned v = 0; v < VALUES; v++)
                if (values[v] == now[k])
                    number = number * VALUES + v;
        }
        assert_int_equal(count, expected);
        assert_true(!sets[number] || sets[number] == label_current() + 1);
        sets[number] = label_current() + 1;
    }
    for (int k = 0; k < KEYS; k++)
        assert_int_equal(label_set(keys[k], ""), 0);
    assert_int_equal(label_current(), 0);
}

/* ---- limits ------------------------------------------------------------ */

static void test_arguments(void **state)
{
    char text[SEGMENT_LABEL_TEXT_MAX + 2];
    unsigned count;
    char *value;

    (void)state;
    assert_int_equal(label_set("k", "v"), 0);
    assert_int_equal(label_set("", "v"), -EINVAL);
    assert_int_equal(label_set(NULL, "v"), -EINVAL);
    memset(text, 'x', sizeof(text));
    text[SEGMENT_LABEL_TEXT_MAX] = '\0';
    assert_int_equal(label_set(text, "v"), -EINVAL);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_LABELS_REFUSED], 0);
    value = value_in(label_current(), "k", &count);
    assert_string_equal(value, "v");
    free(value);

    text[SEGMENT_LABEL_TEXT_MAX - 1] = '\0';
    assert_int_equal(label_set("k", text), 0);
    value = value_in(label_current(), "k", &count);
    assert_string_equal(value, text);
    free(value);
    text[SEGMENT_LABEL_TEXT_MAX - 1] = 'x';
    assert_int_equal(label_set("k", text), -ENAMETOOLONG);
    assert_int_equal(label_current(), 0);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_LABELS_REFUSED], 1);
}

static void test_too_many_keys(void **state)
{
    uint64_t refused = life->header->losses[SEGMENT_LOSS_LABELS_REFUSED];
    char key[16];
    uint32_t set;

    (void)state;
    for (unsigned i = 0; i < SEGMENT_LABEL_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "k%02u", i);
        assert_int_equal(label_set(key, "v"), 0);
    }
    set = label_current();
    assert_int_equal(label_set("more", "v"), -E2BIG);
    assert_int_equal(label_current(), set);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_LABELS_REFUSED],
                     refused + 1);
    assert_int_equal(label_set("k03", "other"), 0);
    assert_int_equal(label_set("k07", NULL), 0);
    assert_int_equal(label_set("more", "v"), 0);
}

/* The last of them are left out, one by one, and the label beside them stays. */
static void test_full(void **state)
{
    unsigned refused = 0, count, room;
    char value[16], *got = NULL;

    (void)state;
    assert_int_equal(label_set("beside", "v"), 0);
    room = SEGMENT_LABELS_MAX - life->header->labels_used;
    for (int i = 0; i < 10000; i++) {
        snprintf(value, sizeof(value), "%d", i);
        switch (label_set("full", value)) {
        case 0:
            assert_int_equal(refused, 0);
            got = value_in(label_current(), "full", &count);
            assert_string_equal(got, value);
            break;
        case -ENOSPC:
            refused++;
            assert_null(value_in(label_current(), "full", &count));
            got = value_in(label_current(), "beside", &count);
            assert_string_equal(got, "v");
            assert_int_equal(count, 1);
            break;
        default:
            fail();
        }
        free(got);
    }
    assert_int_equal(refused, 10000 - room);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_LABELS_FULL], refused);
    assert_int_equal(life->header->labels_used, SEGMENT_LABELS_MAX);
    assert_int_equal(label_set("full", "7"), 0); /* known ones stay */
}

/* ---- stacks under labels ----------------------------------------------- */

static uint32_t labels_of(uint32_t callsite)
{
    uint32_t node = own_life_callsite(callsite)->node;

    while (own_life_node(node)->parent)
        node = own_life_node(node)->parent;
    return own_life_node(node)->flags & SEGMENT_NODE_LABELS
               ? (uint32_t)own_life_node(node)->pc
               : 0;
}

static void test_stacks(void **state)
{
    uintptr_t stack[] = {0x1000, 0x2000, 0x3000}, got[3];
    uint32_t ids[2][3];

    (void)state;
    for (int cut = 0; cut < 2; cut++)
        for (int again = 0; again < 2; again++)
            for (int i = 0; i < 3; i++) {
                uint32_t id;

                assert_int_equal(label_set("k", values[i]), 0);
                id = callsite_intern(stack, 3, cut);
                assert_int_equal(labels_of(id), label_current());
                assert_int_equal(own_life_stack(id, got, 3), 3);
                assert_memory_equal(got, stack, sizeof(stack));
                assert_true(!again || ids[cut][i] == id);
                ids[cut][i] = id;
            }
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            assert_true(ids[i / 3][i % 3] != ids[j / 3][j % 3]);
    thread_self.epoch = THREAD_UNBORN; /* of a thread that has not joined */
    assert_int_equal(label_current(), 0);
}

/* ---- for readers of threads -------------------------------------------- */

static struct segment_thread *place(uint32_t i)
{
    return own_life_element(SEGMENT_EXTENT_THREADS, 0,
                            ((uint32_t)gettid() + i) % SEGMENT_THREADS_MAX,
                            SEGMENT_THREADS_PER_EXTENT,
                            sizeof(struct segment_thread));
}

static void *place_thread(void *unused)
{
    uint64_t before = os_boottime_ns(), since;
    uint32_t tid = (uint32_t)gettid();

    thread_self.epoch = life->epoch;
    assert_int_equal(label_set("k", NULL), 0);
    assert_null(thread_self.place); /* it has said nothing yet */
    assert_int_equal(label_set("k", "v"), 0);
    assert_ptr_equal(thread_self.place, place(0));
    since = SEGMENT_THREAD_LABELS_NS(place(0)->labels);
    assert_true(place(0)->who == SEGMENT_THREAD_WHO(tid, 0));
    assert_true(since >= before);
    assert_true(since < os_boottime_ns() + SEGMENT_LABELS_MAX);
    assert_int_equal(SEGMENT_THREAD_LABELS_SET(place(0)->labels),
                     label_current());
    place(0)->who = SEGMENT_THREAD_WHO(tid, 9); /* by its creator meanwhile */
    assert_int_equal(label_set("k", "w"), 0);
    assert_true(place(0)->labels == (since | label_current()));
    assert_int_equal(label_set("k", ""), 0);
    assert_true(place(0)->labels == since);
    assert_true(place(0)->who == SEGMENT_THREAD_WHO(tid, 9));
    return unused;
}

/* A thread that finds all its places taken by others, and lives well. */
static void *crowded_thread(void *other)
{
    uint64_t lost = life->header->losses[SEGMENT_LOSS_THREADS_FULL];

    thread_self.epoch = life->epoch;
    assert_int_equal(label_set("k", "v"), 0); /* makes the extent exist */
    thread_self.place = NULL;
    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++)
        place(i)->who = SEGMENT_THREAD_WHO(*(uint32_t *)other, 1);
    for (int i = 0; i < 7; i++)
        assert_int_equal(label_set("k", values[1 + i % 3]), 0);
    assert_true(label_current() != 0);
    assert_int_equal(life->header->losses[SEGMENT_LOSS_THREADS_FULL], lost + 1);
    return NULL;
}

static void test_places(void **state)
{
    uint32_t living = (uint32_t)gettid();
    pthread_t thread;

    (void)state;
    for (uint32_t i = 0; i < SEGMENT_THREADS_MAX;
         i += SEGMENT_THREADS_PER_EXTENT)
        extent_get((void **)&life->threads[i / SEGMENT_THREADS_PER_EXTENT],
                   SEGMENT_EXTENT_THREADS, 0, i);
    assert_int_equal(pthread_create(&thread, NULL, place_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_int_equal(pthread_create(&thread, NULL, crowded_thread, &living), 0);
    pthread_join(thread, NULL);
}

/* ---- at once ----------------------------------------------------------- */

static void set_in_handler(int number)
{
    uint32_t before = thread_self.labels;

    (void)number;
    if (label_set("handler", "signal") != 0)
        abort();
    thread_self.labels = before;
}

/* Each checks that it has what it set, however many make the same labels. */
static void *race(void *argument)
{
    char value[16], *got;
    unsigned count;

    thread_self.epoch = life->epoch;
    for (int i = 0; i < 2000; i++) {
        snprintf(value, sizeof(value), "%d", i % 700);
        if (label_set("id", value) != 0)
            return argument;
        got = value_in(thread_self.labels, "id", &count);
        if (!got || strcmp(got, value) != 0 || count != 1)
            return argument;
        free(got);
        if (i % 10 == 0)
            raise(SIGUSR1);
    }
    return NULL;
}

static void test_race(void **state)
{
    pthread_t threads[THREADS];
    static char argument;
    void *failed;

    (void)state;
    signal(SIGUSR1, set_in_handler);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &argument), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_model, begin_thread),
        cmocka_unit_test_setup(test_arguments, begin_thread),
        cmocka_unit_test_setup(test_too_many_keys, begin_thread),
        cmocka_unit_test_setup(test_stacks, begin_thread),
        cmocka_unit_test_setup(test_places, begin_thread),
        cmocka_unit_test_setup(test_race, begin_thread),
        cmocka_unit_test_setup(test_full,
                               begin_thread), /* the table, for good */
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
