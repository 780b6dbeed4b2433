/* SPDX-License-Identifier: MIT */
/*
 * allocate.h - /allocate and /allocate2: something to see in a profile.
 *
 * allocate_handler() and allocate2_handler() are what a reader finds with
 * `go tool pprof -list`; their malloc() stands in them in plain sight. Pages
 * are touched on a thread of libuv's pool, so that the loop never waits.
 * Read next: serve.c, which calls them.
 */
#ifndef PREPROF_ALLOCATE_H
#define PREPROF_ALLOCATE_H

#include <stdint.h>
#include <uv.h>

#include "reply.h"
#include "route.h"

#define ALLOCATE_SIZE_DEFAULT (UINT64_C(100) << 20)
#define ALLOCATE_HELD_MAX     (UINT64_C(1) << 30) /* bytes, in all */
#define ALLOCATE_HOLD_DEFAULT 60                  /* seconds */
#define ALLOCATE_HOLD_MAX     3600

struct allocate_block;

/* What /allocate holds. */
struct allocate_store {
    uv_loop_t *loop;
    const char *url; /* of the server, where the result is to be seen */
    uint64_t held_size;
    struct allocate_block *blocks;
};

typedef void allocate_done(void *data);

/* Reads ?size= and ?hold= into the plan. */
void allocate_plan(const char *query, struct plan *plan);

/*
 * Allocates, touches and holds. Calls done(data) when *reply is filled, also
 * from within. Returns what allocate_cancel() takes while that is to come,
 * else NULL.
 */
struct allocate_block *allocate_handler(struct allocate_store *store,
                                        const struct plan *plan,
                                        struct reply *reply,
                                        allocate_done *done, void *data);

/* Nobody waits for the answer any more. The memory is held all the same. */
void allocate_cancel(struct allocate_block *block);

/* MemStats before and after an allocation. */
void allocate2_handler(struct reply *reply);

/* Frees all; the loop has something to do until pages in work are done. */
void allocate_stop(struct allocate_store *store);

#endif
