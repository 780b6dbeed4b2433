/* SPDX-License-Identifier: MIT */
/* allocate.c - see allocate.h. */
#include "allocate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "preprof.h"
#include "query.h"

struct allocate_block {
    struct allocate_block *next, **link;
    struct allocate_store *store;
    uv_work_t work;
    uv_timer_t timer;
    char *memory;
    uint64_t size;
    unsigned hold_s;
    bool touching;
    bool stopping;
    struct reply *reply; /* NULL when nobody waits */
    allocate_done *done;
    void *data;
};

void allocate_plan(const char *query, struct plan *plan)
{
    char value[QUERY_VALUE_MAX + 1];
    int64_t hold = ALLOCATE_HOLD_DEFAULT;

    plan->size = ALLOCATE_SIZE_DEFAULT;
    if (query_find(query, "size", value) && *value &&
        (query_parse_size(value, &plan->size) == -EINVAL || plan->size == 0)) {
        reply_line(&plan->reply, 400,
                   "size is a number of bytes above 0, or one with a unit: "
                   "B kB MB GB KiB MiB GiB");
        return;
    }
    if (query_find(query, "hold", value) && *value &&
        (query_parse_int(value, &hold) != 0 || hold < 0 ||
         hold > ALLOCATE_HOLD_MAX)) {
        reply_line(&plan->reply, 400, "hold is a number of seconds, 0 to %d",
                   ALLOCATE_HOLD_MAX);
        return;
    }
    plan->hold_s = (unsigned)hold;
    plan->action = PLAN_ALLOCATE;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void block_free(struct allocate_block *block)
{
    if (block->next)
        block->next->link = block->link;
    *block->link = block->next;
    block->store->held_size -= block->size;
    free(block->memory);
    uv_close((uv_handle_t *)&block->timer, on_closed);
}

static void on_held(uv_timer_t *timer)
{
    block_free(timer->data);
}

/* On a thread of the pool: a page that is not written is not memory yet. */
static void touch(uv_work_t *work)
{
    const struct allocate_block *block = work->data;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    for (uint64_t i = 0; i < block->size; i += page)
        *(volatile char *)(block->memory + i) = 1;
    *(volatile char *)(block->memory + block->size - 1) = 1;
}

static void fill_reply(struct reply *reply, const struct allocate_block *block)
{
    const struct allocate_store *store = block->store;
    FILE *out = reply_begin(reply, 200, TEXT_PLAIN);

    if (out) {
        fprintf(out, "Allocated %" PRIu64 " bytes and wrote to every page.\n",
                block->size);
        if (block->hold_s)
            fprintf(out,
                    "They are held for %u s; %" PRIu64 " of at most %" PRIu64
                    " bytes are held now.\n",
                    block->hold_s, store->held_size, ALLOCATE_HELD_MAX);
        else
            fputs("They are freed again; add -sample_index=alloc_space.\n",
                  out);
        fprintf(out,
                "See it: go tool pprof -list allocate_handler "
                "%s/debug/pprof/heap\n",
                store->url);
    }
    reply_end(reply, out);
}

static void on_touched(uv_work_t *work, int status)
{
    struct allocate_block *block = work->data;
    struct reply *reply = block->reply;
    allocate_done *done = block->done;
    void *data = block->data;

    (void)status; /* nobody cancels this work */
    block->touching = false;
    if (reply)
        fill_reply(reply, block);
    block->reply = NULL;
    if (block->stopping || block->hold_s == 0 ||
        uv_timer_start(&block->timer, on_held, block->hold_s * UINT64_C(1000),
                       0) != 0)
        block_free(block);
    if (reply)
        done(data);
}

static struct allocate_block *block_new(struct allocate_store *store,
                                        const struct plan *plan,
                                        struct reply *reply,
                                        allocate_done *done, void *data)
{
    struct allocate_block *block = calloc(1, sizeof(*block));

    if (!block)
        return NULL;
    if (uv_timer_init(store->loop, &block->timer) != 0) {
        free(block);
        return NULL;
    }
    block->store = store;
    block->size = plan->size;
    block->hold_s = plan->hold_s;
    block->work.data = block;
    block->timer.data = block;
    block->reply = reply;
    block->done = done;
    block->data = data;
    block->next = store->blocks;
    block->link = &store->blocks;
    if (block->next)
        block->next->link = &block->next;
    store->blocks = block;
    store->held_size += plan->size;
    return block;
}

struct allocate_block *allocate_handler(struct allocate_store *store,
                                        const struct plan *plan,
                                        struct reply *reply,
                                        allocate_done *done, void *data)
{
    struct allocate_block *block = NULL;

    if (plan->size > ALLOCATE_HELD_MAX) {
        reply_line(reply, 503,
                   "%" PRIu64 " bytes are too many: %" PRIu64
                   " may be held in all",
                   plan->size, ALLOCATE_HELD_MAX);
    } else if (plan->size > ALLOCATE_HELD_MAX - store->held_size) {
        reply_line(reply, 503,
                   "%" PRIu64 " bytes more are too many now: %" PRIu64
                   " are held, %" PRIu64 " may be in all; the first are freed "
                   "in at most %u s",
                   plan->size, store->held_size, ALLOCATE_HELD_MAX,
                   ALLOCATE_HOLD_MAX);
    } else {
        block = block_new(store, plan, reply, done, data);
        if (block)
            block->memory = malloc(plan->size);
        if (block && block->memory &&
            uv_queue_work(store->loop, &block->work, touch, on_touched) == 0) {
            block->touching = true;
            return block;
        }
        if (block)
            block_free(block);
        reply_line(reply, 503, "malloc(%" PRIu64 ") failed", plan->size);
    }
    done(data);
    return NULL;
}

void allocate_cancel(struct allocate_block *block)
{
    block->reply = NULL;
}

void allocate2_handler(struct reply *reply)
{
    struct preprof_memstats before, after;
    size_t size = ALLOCATE_SIZE_DEFAULT;
    char *memory;
    FILE *out;

    if (preprof_read_memstats(&before) != 0) {
        reply_line(reply, 503,
                   "there are no MemStats: this server runs "
                   "without libpreprof.so");
        return;
    }
    memory = malloc(size);
    if (!memory) {
        reply_line(reply, 503, "malloc(%zu) failed", size);
        return;
    }
    *(volatile char *)memory = 1;
    (void)preprof_read_memstats(&after); /* it answered before */
    free(memory);
    out = reply_begin(reply, 200, TEXT_PLAIN);
    if (out)
        fprintf(out,
                "Heap Alloc Before: %" PRIu64 ", After: %" PRIu64
                ", Diff: %" PRId64 "\n"
                "Heap Sys Before: %" PRIu64 ", After: %" PRIu64
                ", Diff: %" PRId64 "\n",
                before.HeapAlloc, after.HeapAlloc,
                (int64_t)(after.HeapAlloc - before.HeapAlloc), before.HeapSys,
                after.HeapSys, (int64_t)(after.HeapSys - before.HeapSys));
    reply_end(reply, out);
}

void allocate_stop(struct allocate_store *store)
{
    struct allocate_block *next;

    for (struct allocate_block *block = store->blocks; block; block = next) {
        next = block->next;
        block->stopping = true;
        if (!block->touching)
            block_free(block);
    }
}
