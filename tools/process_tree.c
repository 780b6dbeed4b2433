/* SPDX-License-Identifier: MIT */
/* process_tree.c - see process_tree.h. */
#include "process_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "process_list.h"

struct node {
    struct process_entry *entry;
    struct node *parent, *first_child, *next;
    uint64_t in_use; /* of the tree */
    bool live;       /* something in the tree is */
};

static uint64_t created_ns(const struct node *node)
{
    return node->entry->snapshot ? node->entry->snapshot->header.created_ns : 0;
}

/* Older first; of the same age, in any fixed order. */
static int by_age(const void *a, const void *b)
{
    uint64_t x = created_ns(a), y = created_ns(b);

    if (x != y)
        return x < y ? -1 : 1;
    return strverscmp(((const struct node *)a)->entry->file,
                      ((const struct node *)b)->entry->file);
}

/* In the order in which they are shown below the same parent. */
static int by_rank(const void *a, const void *b)
{
    const struct node *x = *(struct node *const *)a;
    const struct node *y = *(struct node *const *)b;

    if (x->live != y->live)
        return x->live ? -1 : 1;
    if (x->in_use != y->in_use)
        return x->in_use > y->in_use ? -1 : 1;
    if (x->entry->pid != y->entry->pid)
        return x->entry->pid < y->entry->pid ? -1 : 1;
    return strverscmp(x->entry->file, y->entry->file);
}

static bool is_parent(const struct process_entry *parent,
                      const struct process_entry *child)
{
    const struct segment_header *up, *down;

    if (!parent->snapshot || !child->snapshot)
        return false;
    up = &parent->snapshot->header;
    down = &child->snapshot->header;
    return down->parent_pid == up->pid &&
           down->parent_start_time == up->start_time &&
           down->pid_namespace == up->pid_namespace;
}

/* By pid and start time, for finding parents. */
struct identity {
    uint32_t pid;
    uint64_t start_time;
    size_t index;
};

static int by_identity(const void *a, const void *b)
{
    const struct identity *x = a, *y = b;

    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    if (x->start_time != y->start_time)
        return x->start_time < y->start_time ? -1 : 1;
    return 0;
}

/* Nodes are by age; a parent is one that comes before. */
static void find_parents(struct node *nodes, struct identity *known,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct segment_snapshot *snapshot = nodes[i].entry->snapshot;

        known[i] = (struct identity){.index = i};
        if (snapshot) {
            known[i].pid = snapshot->header.pid;
            known[i].start_time = snapshot->header.start_time;
        }
    }
    qsort(known, count, sizeof(*known), by_identity);
    for (size_t i = 0; i < count; i++) {
        const struct segment_snapshot *snapshot = nodes[i].entry->snapshot;
        struct identity wanted = {0}, *found;

        if (!snapshot || !snapshot->header.parent_pid)
            continue;
        wanted.pid = snapshot->header.parent_pid;
        wanted.start_time = snapshot->header.parent_start_time;
        found = bsearch(&wanted, known, count, sizeof(*known), by_identity);
        if (found && found->index < i &&
            is_parent(nodes[found->index].entry, nodes[i].entry))
            nodes[i].parent = &nodes[found->index];
    }
}

/* From the youngest, so that a tree is complete when its root comes. */
static void sum_up(struct node *nodes, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        struct node *node = &nodes[i], *parent = node->parent;

        if (parent) {
            parent->in_use += node->in_use;
            parent->live |= node->live;
            parent->entry->tree_size += node->entry->tree_size;
        }
    }
}

static struct node *link_ranked(struct node **ranked, size_t count)
{
    struct node *roots = NULL;

    for (size_t i = count; i-- > 0;) {
        struct node *node = ranked[i];
        struct node **first =
            node->parent ? &node->parent->first_child : &roots;

        node->next = *first;
        *first = node;
    }
    return roots;
}

/* Copies entries in preorder. */
static void write_order(struct node *node, struct process_entry *to)
{
    unsigned depth = 0;

    while (node) {
        *to = *node->entry;
        to++->depth = depth;
        if (node->first_child) {
            node = node->first_child;
            depth++;
            continue;
        }
        while (node && !node->next) {
            node = node->parent;
            depth--;
        }
        node = node ? node->next : NULL;
    }
}

int process_tree_order(struct process_list *list)
{
    size_t count = list->count;
    struct process_entry *ordered = calloc(count + 1, sizeof(*ordered));
    struct node *nodes = calloc(count + 1, sizeof(*nodes));
    struct node **ranked = calloc(count + 1, sizeof(*ranked));
    struct identity *known = calloc(count + 1, sizeof(*known));
    int err = ordered && nodes && ranked && known ? 0 : -ENOMEM;

    for (size_t i = 0; !err && i < count; i++) {
        struct process_entry *entry = &list->entries[i];

        entry->tree_size = 1;
        nodes[i].entry = entry;
        nodes[i].live = process_entry_is_live(entry);
        if (entry->snapshot)
            nodes[i].in_use = entry->snapshot->total.inuse_space;
    }
    if (!err && count) {
        qsort(nodes, count, sizeof(*nodes), by_age);
        find_parents(nodes, known, count);
        sum_up(nodes, count);
        for (size_t i = 0; i < count; i++)
            ranked[i] = &nodes[i];
        qsort(ranked, count, sizeof(*ranked), by_rank);
        write_order(link_ranked(ranked, count), ordered);
        free(list->entries);
        list->entries = ordered;
        ordered = NULL;
    }
    free(ordered);
    free(nodes);
    free(ranked);
    free(known);
    return err;
}

void process_tree_sum(const struct process_entry *root,
                      struct process_tree_total *total)
{
    *total = (struct process_tree_total){0};
    for (size_t i = 0; i < root->tree_size; i++) {
        if (root[i].snapshot)
            total->in_use += root[i].snapshot->total.inuse_space;
        total->resident += root[i].memory.resident;
        total->alloc_rate += root[i].alloc_rate;
    }
}
