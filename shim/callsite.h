/* SPDX-License-Identifier: MIT */
/*
 * callsite.h - from a stack to a small dense number.
 *
 * A stack is a path in a tree of frames (parent, pc), root first; where the
 * thread has labels (label.h), their set is the root. A callsite is a path that
 * something was allocated from. Both are found by the running hash of the path
 * from the root, so a stack that is known costs one probe and the tree is
 * touched only by new ones. Nothing is ever removed.
 *
 * Record states: id reserved -> record written -> published in the index. Two
 * threads that meet a new stack at once both write a record; the index keeps
 * one, the other stays without counts (a node without children, a callsite
 * with zero rows) and readers drop it.
 *
 * When a table is full, the deepest ancestor that exists is charged instead
 * (and counted as TABLE_FULL); a sixteenth of the ids is kept for that.
 * Read next: index.h, shard.h, walk.h.
 */
#ifndef PREPROF_CALLSITE_H
#define PREPROF_CALLSITE_H

#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "module.h"
#include "shard.h"
#include "tracer.h"
#include "walk.h"

/* Called at each birth; at most `max` nodes and as many callsites, a power of
 * two. Returns 0 or -ENOMEM. */
int callsite_begin(uint32_t max);

/*
 * The id of the stack that begins at *start: an existing callsite, a new one,
 * or a sink. Never 0. The caller has entered thread_enter() and owns `shard`
 * (or it is the shared one).
 */
NOINLINE uint32_t callsite_capture(struct shard *shard,
                                   const struct walk_start *start);

/* The same where the thread remembers the stack, else NULL: then
 * callsite_capture() must follow. The entry holds until thread_leave(). */
static ALWAYS_INLINE const struct memo_entry *
callsite_recall(struct shard *shard, const struct walk_start *start)
{
    struct tracer *tracer = shard->tracer;

    return LIKELY(tracer != NULL)
               ? tracer_recall(tracer, start, thread_self.labels)
               : NULL;
}

/* Both, for who has few stacks to find, and is not worth a tracer; a sink in a
 * handler that interrupted a walk of this thread, which needs not have entered.
 */
uint32_t callsite_find(struct thread *thread, struct shard *shard,
                       const struct walk_start *start);

/* The id for a stack of the calling thread given leaf first; frames > 0.
 * `truncated` says that outer frames are missing. Threads: any.
 * Async-signal-safe. */
uint32_t callsite_intern(const uintptr_t *pcs, size_t frames, int truncated);

#endif
