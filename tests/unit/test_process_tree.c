/* SPDX-License-Identifier: MIT */
/*
 * Families of processes against a slow model: lists of up to 40 processes that
 * claim any parents at all, themselves, each other in circles and ones that are
 * not there. Everyone is shown once, below a parent that is older, before its
 * younger sister by rank, and sums are those over all descendants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process_list.h"
#include "process_tree.h"

#define PROCESSES_MAX 40u
#define ROUNDS        3001

static uint32_t random_below(uint32_t limit)
{
    static uint64_t state = 7919;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

static void fill(struct process_list *list, uint32_t count)
{
    list->entries = calloc(count + 1, sizeof(*list->entries));
    list->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct process_entry *entry = &list->entries[i];
        struct segment_header *header;

        entry->pid = i + 1;
        assert_true(asprintf(&entry->file, "/x/%u-%u", i + 1, 100 + i) > 0);
        if (random_below(10) == 0)
            continue; /* unreadable */
        entry->snapshot = calloc(1, sizeof(*entry->snapshot));
        entry->snapshot->life = (enum segment_life)random_below(3);
        entry->snapshot->total.inuse_space = random_below(5);
        entry->memory.resident = random_below(1000);
        entry->alloc_rate = random_below(1000);
        header = &entry->snapshot->header;
        header->pid = i + 1;
        header->start_time = 100 + i;
        header->created_ns = random_below(20);
        if (random_below(3)) {
            header->parent_pid = random_below(count + 2);
            header->parent_start_time =
                100 + header->parent_pid - 1 + (random_below(9) == 0);
        }
    }
}

static const struct segment_header *header_of(const struct process_entry *entry)
{
    return entry->snapshot ? &entry->snapshot->header : NULL;
}

/* Whether the claim of a child is one to believe. */
static bool may_be_parent(const struct process_entry *parent,
                          const struct process_entry *child)
{
    const struct segment_header *up = header_of(parent),
                                *down = header_of(child);

    return up && down && down->parent_pid == up->pid &&
           down->parent_start_time == up->start_time &&
           (up->created_ns < down->created_ns ||
            (up->created_ns == down->created_ns &&
             strverscmp(parent->file, child->file) < 0));
}

static const struct process_entry *parent_of(const struct process_list *list,
                                             const struct process_entry *child)
{
    for (size_t i = 0; i < list->count; i++)
        if (may_be_parent(&list->entries[i], child))
            return &list->entries[i];
    return NULL;
}

static bool is_below(const struct process_list *list,
                     const struct process_entry *entry,
                     const struct process_entry *root)
{
    while (entry && entry != root)
        entry = parent_of(list, entry);
    return entry == root;
}

static unsigned depth_of(const struct process_list *list,
                         const struct process_entry *entry)
{
    unsigned depth = 0;

    while ((entry = parent_of(list, entry)))
        depth++;
    return depth;
}

struct sums {
    size_t size;
    bool live;
    struct process_tree_total total;
};

static struct sums sums_of(const struct process_list *list,
                           const struct process_entry *root)
{
    struct sums sums = {0};

    for (size_t i = 0; i < list->count; i++) {
        const struct process_entry *entry = &list->entries[i];

        if (!is_below(list, entry, root))
            continue;
        sums.size++;
        sums.live |= process_entry_is_live(entry);
        if (entry->snapshot)
            sums.total.in_use += entry->snapshot->total.inuse_space;
        sums.total.resident += entry->memory.resident;
        sums.total.alloc_rate += entry->alloc_rate;
    }
    return sums;
}

static void check(const struct process_list *list)
{
    bool seen[PROCESSES_MAX + 1] = {false};

    for (size_t i = 0; i < list->count; i++) {
        const struct process_entry *entry = &list->entries[i];
        struct sums sums = sums_of(list, entry);
        struct process_tree_total total;

        assert_false(seen[entry->pid]);
        seen[entry->pid] = true;
        assert_int_equal(entry->depth, depth_of(list, entry));
        assert_int_equal(entry->tree_size, sums.size);
        for (size_t j = 0; j < entry->tree_size; j++)
            assert_true(is_below(list, entry + j, entry));
        process_tree_sum(entry, &total);
        assert_memory_equal(&total, &sums.total, sizeof(total));
        /* Its next sister, if it has one, does not rank before it. */
        if (i + entry->tree_size < list->count &&
            entry[entry->tree_size].depth == entry->depth) {
            struct sums next = sums_of(list, entry + entry->tree_size);

            assert_true(sums.live >= next.live);
            assert_true(sums.live > next.live ||
                        total.in_use >= next.total.in_use);
        }
    }
}

static void test_any_parents(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct process_list list;
        uint32_t count = random_below(PROCESSES_MAX + 1);

        fill(&list, count);
        assert_int_equal(process_tree_order(&list), 0);
        assert_int_equal(list.count, count);
        check(&list);
        process_list_free(&list);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
