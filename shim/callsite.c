/* SPDX-License-Identifier: MIT */
/* callsite.c - see callsite.h. */
#include "callsite.h"

#include <errno.h>

#include "cc.h"
#include "extent.h"
#include "index.h"
#include "label.h"
#include "life.h"
#include "module.h"
#include "os.h"
#include "path.h"
#include "reserve.h"
#include "segment.h"
#include "shard.h"
#include "tracer.h"
#include "walk.h"

#define NODE_EXTENTS     (SEGMENT_NODES_MAX / SEGMENT_NODES_PER_EXTENT)
#define CALLSITE_EXTENTS (SEGMENT_CALLSITES_MAX / SEGMENT_CALLSITES_PER_EXTENT)

/* Frames of the stack buffer of a thread that owns no shard (yet). */
#define SMALL_STACK_FRAMES 64

struct tables {
    struct segment_node *nodes[NODE_EXTENTS];
    struct segment_callsite *callsites[CALLSITE_EXTENTS];
};

static struct tables *tables; /* wiped in children */
static struct index node_index;
static struct index callsite_index;
static uint32_t ids_max;

int callsite_begin(uint32_t max)
{
    int err;

    if (!tables)
        tables = os_map_wiped(sizeof(*tables));
    if (!tables)
        return -ENOMEM;
    err = index_begin(&node_index, max);
    if (!err)
        err = index_begin(&callsite_index, max);
    ids_max = max;
    return err;
}

/* ---- records ----------------------------------------------------------- */

/* The node of a path whose outer part is `parent`; 0 when there is no room. */
static uint32_t node_make(uint64_t hash, uint32_t parent, uintptr_t frame,
                          uint16_t flags)
{
    uintptr_t pc = WALK_FRAME_PC(frame);
    uint32_t id = reserve(&life->header->nodes_used, 1, ids_max);
    uint32_t extent = id / SEGMENT_NODES_PER_EXTENT;
    struct segment_node *node;

    if (id == RESERVE_NONE)
        return 0;
    node = extent_get((void **)&tables->nodes[extent], SEGMENT_EXTENT_NODES, 0,
                      extent * SEGMENT_NODES_PER_EXTENT);
    if (!node)
        return 0;
    node += id % SEGMENT_NODES_PER_EXTENT;
    node->parent = parent;
    node->module = flags & SEGMENT_NODE_LABELS ? 0 : module_of(pc);
    if (frame & WALK_FRAME_EXACT)
        flags |= SEGMENT_NODE_EXACT_PC;
    if (frame & WALK_FRAME_GUESSED)
        flags |= SEGMENT_NODE_GUESSED;
    node->flags = flags;
    __atomic_store_n(&node->pc, pc, __ATOMIC_RELEASE); /* publishes it */
    return index_insert(&node_index, hash, id);
}

/* A callsite for a path that ends at `node`; 0 when there is no room. */
static uint32_t callsite_make(uint64_t hash, uint32_t node, size_t frames,
                              uint32_t limit)
{
    uint32_t id = reserve(&life->header->callsites_used, 1, limit);
    uint32_t extent = id / SEGMENT_CALLSITES_PER_EXTENT;
    struct segment_callsite *callsite;

    if (id == RESERVE_NONE)
        return 0;
    callsite = extent_get((void **)&tables->callsites[extent],
                          SEGMENT_EXTENT_CALLSITES, 0,
                          extent * SEGMENT_CALLSITES_PER_EXTENT);
    if (!callsite || !shard_prepare(id))
        return 0;
    callsite += id % SEGMENT_CALLSITES_PER_EXTENT;
    callsite->depth = (uint32_t)frames;
    __atomic_store_n(&callsite->node, node, __ATOMIC_RELEASE);
    return index_insert(&callsite_index, hash, id);
}

/* ---- new stacks -------------------------------------------------------- */

/* The root of paths under labels; 0 when there is no room. */
static uint32_t root_make(uint64_t origin, int truncated)
{
    uint64_t hash = path_start(origin, truncated);
    uint32_t node = index_find(&node_index, hash);

    return node ? node
                : node_make(hash, 0, path_labels(origin), SEGMENT_NODE_LABELS);
}

/* What a stack is charged to that cannot be entered: the callsite of the
 * deepest part of it, from the root, that is in the tree. */
static COLD uint32_t charge_ancestor(uint64_t origin, const uintptr_t *pcs,
                                     size_t frames, int truncated)
{
    uint64_t hash = path_start(origin, truncated);
    uint32_t node = 0, charged = SEGMENT_SINK_FULL;
    size_t depth = 0;

    life_lose(SEGMENT_LOSS_TABLE_FULL, 1);
    for (; depth < frames; depth++) {
        uint64_t next = path_step(hash, pcs[frames - 1 - depth]);
        uint32_t child = index_find(&node_index, next);
        uint32_t known = index_find(&callsite_index, next);

        if (!child)
            break;
        if (known)
            charged = known;
        node = child;
        hash = next;
    }
    if (depth > 0 && !index_find(&callsite_index, hash)) {
        uint32_t made = callsite_make(hash, node, depth, ids_max);

        if (made)
            charged = made;
    }
    return charged;
}

static COLD uint32_t callsite_enter(uint64_t hash, uint64_t origin,
                                    const uintptr_t *pcs, size_t frames,
                                    int truncated)
{
    uint64_t path = path_start(origin, truncated);
    uint32_t node = 0, callsite = 0;

    if (path_labels(origin)) {
        node = root_make(origin, truncated);
        if (!node) /* the stack without its labels is more than none */
            return charge_ancestor(path_origin(module_remaps(), 0), pcs, frames,
                                   truncated);
    }
    for (size_t i = frames; i-- > 0;) {
        uint16_t flags = 0;
        uint32_t child;

        if (truncated && i == frames - 1)
            flags = SEGMENT_NODE_TRUNCATED;
        path = path_step(path, pcs[i]);
        child = index_find(&node_index, path);
        if (!child)
            child = node_make(path, node, pcs[i], flags);
        if (!child)
            return charge_ancestor(origin, pcs, frames, truncated);
        node = child;
    }
    callsite = callsite_make(hash, node, frames, ids_max - ids_max / 16);
    return callsite ? callsite
                    : charge_ancestor(origin, pcs, frames, truncated);
}

uint32_t callsite_intern(const uintptr_t *pcs, size_t frames, int truncated)
{
    uint64_t origin = path_origin(module_remaps(), label_current());
    uint64_t hash = path_start(origin, truncated);
    uint32_t callsite;

    for (size_t i = frames; i-- > 0;)
        hash = path_step(hash, pcs[i]);
    callsite = index_find(&callsite_index, hash);
    return LIKELY(callsite != 0)
               ? callsite
               : callsite_enter(hash, origin, pcs, frames, truncated);
}

/* ---- capture ----------------------------------------------------------- */

static uint32_t capture_into(uintptr_t *pcs, size_t frames_max,
                             const struct walk_start *start)
{
    unsigned flags = WALK_COMPLETE;
    size_t frames = walk_capture(start, pcs, frames_max, &flags);

    if (UNLIKELY(flags)) {
        if (flags & WALK_TRUNCATED)
            life_lose(SEGMENT_LOSS_STACK_TRUNCATED, 1);
        if (flags & WALK_GUESSED)
            life_lose(SEGMENT_LOSS_FRAMES_GUESSED, 1);
    }
    if (UNLIKELY(frames == 0))
        return SEGMENT_SINK_NO_STACK;
    return callsite_intern(pcs, frames, (flags & WALK_TRUNCATED) != 0);
}

/* Only a thread for which there is no shard left has but the innermost frames
 * of a deep stack. */
static NOINLINE uint32_t capture_small(const struct walk_start *start)
{
    struct thread *thread = &thread_self;
    uintptr_t pcs[SMALL_STACK_FRAMES];
    unsigned flags;

    if (thread->young > 0 && walk_capture(start, pcs, SMALL_STACK_FRAMES,
                                          &flags) == SMALL_STACK_FRAMES) {
        struct shard *shard;

        thread->young = 1;
        shard = shard_of(thread);
        if (!shard->shared)
            return capture_into(shard->stack, SEGMENT_DEPTH_MAX, start);
    }
    return capture_into(pcs, SMALL_STACK_FRAMES, start);
}

/* By the spine, after the tracer could not recall the stack; the walk is plain
 * where that is not enough. */
static uint32_t capture_traced(struct shard *shard,
                               const struct walk_start *start)
{
    struct tracer *tracer = shard->tracer;
    struct spine *spine = &tracer->spine;
    uint32_t callsite, labels = thread_self.labels;
    uint64_t origin;

    if (UNLIKELY(module_changed(&tracer->loads)))
        tracer_renew(tracer);
    origin = path_origin(tracer->remaps, labels);
    if (UNLIKELY(tracer->labels != labels)) {
        spine->count = 0;
        tracer->labels = labels;
    }
    if (UNLIKELY(!spine_walk(spine, start, origin)))
        return capture_into(shard->stack, SEGMENT_DEPTH_MAX, start);
    if (UNLIKELY(spine->truncated))
        life_lose(SEGMENT_LOSS_STACK_TRUNCATED, 1);
    callsite = index_find(&callsite_index, spine_path(spine));
    if (UNLIKELY(!callsite)) {
        spine_read(spine, shard->stack);
        return callsite_enter(spine_path(spine), origin, shard->stack,
                              spine->count, spine->truncated);
    }
    if (tracer->missed)
        memo_learn(&tracer->memo, tracer->missed, spine, labels, callsite,
                   shard_row(shard, callsite));
    return callsite;
}

static uint32_t capture_untraced(struct shard *shard,
                                 const struct walk_start *start)
{
    static struct module_loads loads; /* of all that have no tracer */

    if (UNLIKELY(module_changed(&loads)))
        module_refresh(&loads);
    if (UNLIKELY(shard->shared))
        return capture_small(start);
    return capture_into(shard->stack, SEGMENT_DEPTH_MAX, start);
}

uint32_t callsite_capture(struct shard *shard, const struct walk_start *start)
{
    if (LIKELY(shard->tracer != NULL))
        return capture_traced(shard, start);
    if (!shard->shared && ++shard->untraced == TRACER_AFTER)
        shard->tracer = tracer_make(shard->index);
    return capture_untraced(shard, start);
}

uint32_t callsite_find(struct thread *thread, struct shard *shard,
                       const struct walk_start *start)
{
    const struct memo_entry *entry;
    uint32_t callsite;

    if (!thread_enter(thread, start->sp))
        return SEGMENT_SINK_NESTED;
    entry = callsite_recall(shard, start);
    if (entry)
        callsite = entry->callsite;
    else
        callsite = shard->tracer ? capture_traced(shard, start)
                                 : capture_untraced(shard, start);
    thread_leave(thread);
    return callsite;
}
