/* SPDX-License-Identifier: MIT */
/*
 * process_tree.h - processes below those they were forked from.
 *
 * What segments say of their parents is not believed further than that a
 * parent is there and older: there are no cycles. Read next: process_list.h.
 */
#ifndef PREPROF_PROCESS_TREE_H
#define PREPROF_PROCESS_TREE_H

#include <stddef.h>
#include <stdint.h>

struct process_list;
struct process_entry;

/*
 * Orders a list for people and sets depth and tree_size of its entries: each
 * process is followed by its children. Trees with a live process come first,
 * then those that hold more memory; children likewise. Returns 0 or -ENOMEM.
 */
int process_tree_order(struct process_list *list);

/* Sums over a process and all below it. */
struct process_tree_total {
    uint64_t in_use, resident, alloc_rate;
};

void process_tree_sum(const struct process_entry *root,
                      struct process_tree_total *total);

#endif
