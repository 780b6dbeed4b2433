/* SPDX-License-Identifier: MIT */
/* shard.c - see shard.h. */
#include "shard.h"

#include <errno.h>

#include "extent.h"
#include "life.h"
#include "os.h"
#include "reserve.h"

/* How many owners a newcomer asks the kernel about before it settles for
 * another place; each question is a system call. */
#define PROBES_BEFORE_NEW    4u
#define PROBES_BEFORE_SHARED 16u

static struct shard *shards; /* SEGMENT_SHARDS_MAX, wiped in children */

int shard_begin(void)
{
    if (!shards)
        shards = os_map_wiped(SEGMENT_SHARDS_MAX * sizeof(struct shard));
    if (!shards)
        return -ENOMEM;
    shards[0].shared = true;
    return 0;
}

struct shard *shard_common(void)
{
    return shards;
}

/* Tries up to `probes` owned shards, going round, for one whose owner is gone
 * or has the caller's own (recycled) id. */
static struct shard *take_over(uint32_t tid, uint32_t used, uint32_t probes)
{
    static uint32_t next;
    int pid = os_getpid();

    for (uint32_t i = 0; i < probes && i + 1 < used; i++) {
        uint32_t turn = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
        struct shard *shard = &shards[1 + turn % (used - 1)];
        uint32_t owner = __atomic_load_n(&shard->owner, __ATOMIC_RELAXED);

        if (owner == 0 || (owner != tid && os_thread_exists(pid, (int)owner)))
            continue;
        if (__atomic_compare_exchange_n(&shard->owner, &owner, tid, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return shard;
    }
    return NULL;
}

static struct shard *take_new(uint32_t tid, uint32_t *shards_used)
{
    uint32_t index = reserve(shards_used, 1, SEGMENT_SHARDS_MAX);

    if (index == RESERVE_NONE)
        return NULL;
    /* What is written to soon, and is read first. */
    os_prefault(&shards[index], offsetof(struct shard, stack));
    shards[index].index = index;
    __atomic_store_n(&shards[index].owner, tid, __ATOMIC_RELEASE);
    return &shards[index];
}

struct shard *shard_claim(void)
{
    uint32_t *shards_used = &life->header->shards_used;
    uint32_t used = __atomic_load_n(shards_used, __ATOMIC_RELAXED);
    uint32_t tid = (uint32_t)os_gettid();
    struct shard *shard = NULL;

    /* Another process in our memory could not be told from a dead thread. */
    if (life_is_mine()) {
        if (used <= SEGMENT_SHARDS_MAX)
            shard = take_over(tid, used, PROBES_BEFORE_NEW);
        if (!shard)
            shard = take_new(tid, shards_used);
        if (!shard)
            shard = take_over(tid, used, PROBES_BEFORE_SHARED);
    }
    if (!shard) {
        life_lose(SEGMENT_LOSS_SHARDS_SHARED, 1);
        shard = &shards[0];
    }
    return shard;
}

struct shard *shard_of(struct thread *thread)
{
    if (thread->young > 0) {
        thread->young--;
        thread->shard = &shards[0];
        if (thread->young == 0)
            thread->shard = shard_claim();
    }
    return thread->shard;
}

static struct segment_row **row_table(struct shard *shard)
{
    return shard->shared ? shard->shared_rows : shard->rows;
}

/* Rows of one's own are for speed: half of the segment is left to what can only
 * be there. */
static bool may_have_own(void)
{
    return __atomic_load_n(&life->header->extents_used, __ATOMIC_RELAXED) <
           life->header->extents_max / 2;
}

static struct segment_row *rows_of(struct shard *shard, uint32_t callsite)
{
    uint32_t extent = callsite / SEGMENT_ROWS_PER_EXTENT;

    if (!shard->shared && !shard->rows[extent] && !may_have_own())
        return NULL;
    return extent_get((void **)&row_table(shard)[extent],
                      SEGMENT_EXTENT_COUNTERS, shard->index,
                      extent * SEGMENT_ROWS_PER_EXTENT);
}

bool shard_prepare(uint32_t callsite)
{
    return rows_of(&shards[0], callsite) != NULL;
}

/* Where the shard has its row, or the common shard, which *shard then is. NULL
 * when it has none either: only a sink's, and the header has theirs. */
static struct segment_row *find_row(struct shard **shard, uint32_t callsite)
{
    struct segment_row *rows = rows_of(*shard, callsite);

    if (!rows) {
        *shard = &shards[0];
        rows = rows_of(*shard, callsite);
    }
    return rows ? &rows[callsite % SEGMENT_ROWS_PER_EXTENT] : NULL;
}

static struct segment_row *header_row(uint32_t sink)
{
    return &life->header->sinks[sink % SEGMENT_SINK_COUNT];
}

/* Adds to a word that only this shard's owner writes, or anybody. */
static ALWAYS_INLINE void add(uint64_t *word, uint64_t amount, bool shared)
{
    if (shared)
        counter_add_shared(word, amount);
    else
        counter_add_owned(word, amount);
}

/*
 * Before a count, what the row has may have to be saved; after it, the others
 * may have to be told (peak.h).
 */
void shard_add_alloc(struct shard *shard, uint32_t callsite, uint64_t objects,
                     uint64_t space)
{
    struct segment_row *row = find_row(&shard, callsite);
    bool shared = shard->shared;

    if (UNLIKELY(!row)) {
        counter_add_shared(&header_row(callsite)->alloc_objects, objects);
        counter_add_shared(&header_row(callsite)->alloc_space, space);
        return;
    }
    if (SEGMENT_EPOCH(counter_read(&row->alloc_objects)) !=
        __atomic_load_n(&life->header->peak_epoch, __ATOMIC_RELAXED))
        peak_save(shard, callsite, row);
    add(&row->alloc_objects, objects, shared);
    add(&row->alloc_space, space, shared);
    add(&shard->drift, space, shared);
    if ((int64_t)counter_read(&shard->drift) >
        __atomic_load_n(&shard->drift_max, __ATOMIC_RELAXED))
        peak_settle(shard);
}

void shard_add_free(struct shard *shard, uint32_t callsite, uint64_t objects,
                    uint64_t space)
{
    struct segment_row *row = find_row(&shard, callsite);
    bool shared = shard->shared;

    if (UNLIKELY(!row)) {
        counter_add_shared(&header_row(callsite)->free_objects, objects);
        counter_add_shared(&header_row(callsite)->free_space, space);
        return;
    }
    if (SEGMENT_EPOCH(counter_read(&row->alloc_objects)) !=
        __atomic_load_n(&life->header->peak_turn, __ATOMIC_RELAXED))
        peak_save_freeing(shard, callsite, row);
    add(&row->free_objects, objects, shared);
    add(&row->free_space, space, shared);
    add(&shard->drift, -space, shared);
    if ((int64_t)counter_read(&shard->drift) <
        __atomic_load_n(&shard->drift_min, __ATOMIC_RELAXED))
        peak_settle(shard);
}

void shard_add_calls_elsewhere(struct shard *shard,
                               const struct segment_calls *calls)
{
    struct segment_row *row = find_row(&shard, SEGMENT_SINK_NONE);
    bool shared = !row || shard->shared;

    if (!row)
        row = header_row(SEGMENT_SINK_NONE);
    add(&row->alloc_objects, calls->allocs, shared);
    add(&row->alloc_space, calls->frees, shared);
    add(&row->free_objects, calls->unknown_frees, shared);
}

/* Adds a row's free half or alloc half. Row 0 keeps its calls in both, never
 * so many that an epoch could be seen in them. */
static void read_half(struct segment_row *sum, const struct segment_row *row,
                      bool frees)
{
    if (frees) {
        sum->free_objects += counter_read(&row->free_objects);
        sum->free_space += counter_read(&row->free_space);
    } else {
        sum->alloc_objects +=
            SEGMENT_OBJECTS(counter_read(&row->alloc_objects));
        sum->alloc_space += counter_read(&row->alloc_space);
    }
}

static void read_shard(struct shard *shard, struct segment_row *sum,
                       struct segment_row *calls, bool frees)
{
    for (uint32_t i = 0; i < SHARD_ROW_EXTENTS; i++) {
        const struct segment_row *rows =
            __atomic_load_n(&row_table(shard)[i], __ATOMIC_ACQUIRE);

        for (uint32_t j = 0; rows && j < SEGMENT_ROWS_PER_EXTENT; j++)
            read_half(i == 0 && j == 0 ? calls : sum, &rows[j], frees);
    }
}

void shard_read_totals(struct shard_totals *totals)
{
    const struct segment_row *sinks = life->header->sinks;
    uint32_t used =
        __atomic_load_n(&life->header->shards_used, __ATOMIC_RELAXED);
    struct segment_row calls = {0, 0, 0, 0};
    struct segment_row *sum = &totals->callsites;

    *sum = calls;
    for (int pass = 0; pass < 2 && shards; pass++) {
        bool frees = pass == 0;

        for (uint32_t i = 0; i < used && i < SEGMENT_SHARDS_MAX; i++)
            read_shard(&shards[i], sum, &calls, frees);
        read_half(&calls, &sinks[SEGMENT_SINK_NONE], frees);
        for (uint32_t i = 1; i < SEGMENT_SINK_COUNT; i++)
            read_half(sum, &sinks[i], frees);
    }
    totals->calls = (struct segment_calls){
        .allocs = calls.alloc_objects,
        .frees = calls.alloc_space,
        .unknown_frees = calls.free_objects,
    };
}
