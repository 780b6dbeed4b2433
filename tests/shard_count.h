/* SPDX-License-Identifier: MIT */
/*
 * shard_count.h - counts a block as record_exact.h does: in the shard's own row
 * where that is all there is to do, else with all that may be. For tests of
 * what the two do together.
 */
#ifndef SHARD_COUNT_H
#define SHARD_COUNT_H

#include "shard.h"

static inline void shard_count_alloc(struct shard *shard, uint32_t callsite,
                                     uint64_t space)
{
    struct segment_row *row = shard_row(shard, callsite);

    if (!row || !shard_row_may_alloc(row))
        shard_add_alloc(shard, callsite, 1, space);
    else if (shard_row_alloc(shard, row, space))
        peak_settle(shard);
}

static inline void shard_count_free(struct shard *shard, uint32_t callsite,
                                    uint64_t space)
{
    struct segment_row *row = shard_row(shard, callsite);

    if (!row || !shard_row_may_free(row))
        shard_add_free(shard, callsite, 1, space);
    else if (shard_row_free(shard, row, space))
        peak_settle(shard);
}

#endif
