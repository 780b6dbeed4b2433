/* SPDX-License-Identifier: MIT */
/*
 * trees.c - binary trees of depth 13, built and freed by recursion.
 *
 * The worst case for a profiler that remembers stacks: the two recursive calls
 * return to two addresses, so every node of a tree is allocated from another
 * of 2^14 - 1 stacks, and consecutive ones share all but their last frames.
 * Prints nanoseconds of CPU a malloc/free pair. Usage: trees [TREES]
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"

#define DEPTH 13

struct node {
    struct node *left, *right;
};

static __attribute__((noinline)) struct node *build(int depth)
{
    struct node *node = malloc(sizeof(*node));

    if (!node)
        abort();
    node->left = depth > 0 ? build(depth - 1) : NULL;
    node->right = depth > 0 ? build(depth - 1) : NULL;
    return node;
}

static __attribute__((noinline)) void drop(struct node *node)
{
    if (node->left)
        drop(node->left);
    if (node->right)
        drop(node->right);
    free(node);
}

int main(int argc, char **argv)
{
    long trees = argc > 1 ? atol(argv[1]) : 400;
    double start = cpu_seconds();
    double pairs = (double)trees * ((1 << (DEPTH + 1)) - 1);

    for (long i = 0; i < trees; i++)
        drop(build(DEPTH));
    printf("%.2f ns a pair\n", (cpu_seconds() - start) * 1e9 / pairs);
    return 0;
}
