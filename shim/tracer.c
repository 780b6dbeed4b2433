/* SPDX-License-Identifier: MIT */
/* tracer.c - see tracer.h. */
#include "tracer.h"

#include <stddef.h>

#include "os.h"
#include "segment.h"

static struct tracer *tracers[SEGMENT_SHARDS_MAX];

static void forget(struct tracer *tracer)
{
    tracer->spine.count = 0;
    memo_clear(&tracer->memo);
}

/* There may be one already, of a shard of the parent's: wiped, but for what a
 * hook that a signal handler's fork interrupted has learned since. */
struct tracer *tracer_make(uint32_t shard)
{
    struct tracer *tracer = tracers[shard];

    if (!tracer)
        tracer = tracers[shard] = os_map_wiped(sizeof(*tracer));
    if (!tracer)
        return NULL;
    /* The memo's pages: hashed stacks soon hit most of them. */
    os_prefault(tracer, offsetof(struct tracer, spine));
    forget(tracer);
    return tracer;
}

void tracer_renew(struct tracer *tracer)
{
    uint64_t remaps;

    module_refresh(&tracer->loads);
    remaps = module_remaps();
    if (remaps == tracer->remaps)
        return;
    forget(tracer);
    tracer->remaps = remaps;
}
