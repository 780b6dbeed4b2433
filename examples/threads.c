/* SPDX-License-Identifier: MIT */
/*
 * threads.c - several threads that allocate through one function.
 *
 * Three workers fill lists of blocks, all of them by block_new(). The function
 * that allocates is therefore always the same one; the stack behind it tells
 * for whom:
 *
 *     preprof run -o threads.preprof -- build/release/examples/threads
 *     preprof top threads.preprof         # cum: index_words 307 blocks, ...
 *     preprof convert threads.preprof -o threads.pb.gz
 *     go tool pprof -peek '^block_new$' threads.pb.gz
 *
 * Counts are exact whatever the threads do at the same time: each has counters
 * of its own, which the reader adds up.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    char data[];
};

static struct block *block_new(struct block *next, size_t size)
{
    struct block *block = malloc(sizeof(*block) + size);

    if (!block) {
        perror("threads");
        exit(1);
    }
    block->next = next;
    memset(block->data, 0, size);
    return block;
}

static void *index_words(void *list)
{
    for (int i = 0; i < 307; i++)
        list = block_new(list, 1009);
    return list;
}

static void *decode_images(void *list)
{
    for (int i = 0; i < 101; i++)
        list = block_new(list, 30011);
    return list;
}

static void *answer_clients(void *list)
{
    for (int i = 0; i < 5003; i++)
        list = block_new(list, 61);
    return list;
}

int main(void)
{
    void *(*const workers[])(void *) = {index_words, decode_images,
                                        answer_clients};
    enum { WORKERS = sizeof(workers) / sizeof(workers[0]) };
    pthread_t threads[WORKERS];
    int err = 0;

    for (int i = 0; i < WORKERS && !err; i++)
        err = pthread_create(&threads[i], NULL, workers[i], NULL);
    for (int i = 0; i < WORKERS && !err; i++)
        err = pthread_join(threads[i], NULL);
    if (err) {
        fprintf(stderr, "threads: %s\n", strerror(err));
        return 1;
    }
    puts("307 words, 101 images, 5003 clients");
    return 0;
}
