/* SPDX-License-Identifier: MIT */
/* tracer.c - see tracer.h. */
#include "tracer.h"

#include <stddef.h>

#include "os.h"
#include "segment.h"

static struct tracer *tracers[SEGMENT_SHARDS_MAX];

/* The memo with its pages, for hashed stacks soon hit most of them. */
static struct tracer *make(void)
{
    struct tracer *tracer = os_map_wiped(sizeof(*tracer));

    if (tracer)
        os_prefault(tracer, offsetof(struct tracer, spine));
    return tracer;
}

struct tracer *tracer_make(uint32_t shard)
{
    struct tracer *tracer = tracers[shard];

    if (!tracer)
        return tracers[shard] = make();
    /* That of a shard of the parent's, wiped: but for what a hook that a signal
     * handler's fork interrupted has learned since. */
    tracer->spine.count = 0;
    memo_clear(&tracer->memo);
    return tracer;
}

void tracer_renew(struct tracer *tracer)
{
    uint64_t remaps;

    module_refresh(&tracer->loads);
    remaps = module_remaps();
    if (remaps == tracer->remaps)
        return;
    tracer->spine.count = 0;
    memo_clear(&tracer->memo);
    tracer->remaps = remaps;
}
