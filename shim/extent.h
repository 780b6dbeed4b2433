/* SPDX-License-Identifier: MIT */
/*
 * extent.h - handing out the segment's room, 64 KiB at a time.
 *
 * An extent's pages exist before anyone touches them (hazards G1: a full tmpfs
 * is an error here, not a SIGBUS later). Extents are never given back.
 * Read next: segment.h.
 */
#ifndef PREPROF_EXTENT_H
#define PREPROF_EXTENT_H

#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "segment.h"

/*
 * The piece of a logical array that `*slot` is the address of: returns *slot
 * when it is set, else takes an extent, sets *slot and enters the extent into
 * the table as {type, owner, base}. Returns NULL when there is no room, and
 * counts that.
 *
 * Threads: any; two that race for one slot get the same extent. Never waits.
 */
COLD void *extent_take(void **slot, enum segment_extent_type type,
                       uint32_t owner, uint32_t base);

static ALWAYS_INLINE void *extent_get(void **slot,
                                      enum segment_extent_type type,
                                      uint32_t owner, uint32_t base)
{
    void *extent = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

    return LIKELY(extent != NULL) ? extent
                                  : extent_take(slot, type, owner, base);
}

#endif
