/* SPDX-License-Identifier: MIT */
/*
 * peak.h - what each callsite had in use when the most was in use.
 *
 * A peak is a moment with a number, its epoch, not a copy of the counters: a
 * row saves what it had when it is first counted in after that moment, and a
 * row that never is again still has it (segment.h). So noticing a peak costs
 * the same however many callsites there are, and a count costs one comparison
 * of the epoch in its row with that in the header.
 *
 * How a peak is noticed. Each shard sums up what it has counted, its drift, and
 * tells life->peak.in_use when that exceeds SEGMENT_PEAK_DRIFT; the others hear
 * of it no earlier. When in_use has passed the mark, the next epoch is due:
 *
 *   peak_turn == peak_epoch --in_use > mark--> peak_turn == peak_epoch + 1
 *        ^                                              |
 *        +---- the first free: epoch moves, mark rises -+
 *
 * Counts of allocations look at peak_epoch, those of frees at peak_turn: while
 * memory only grows no row is saved, and a program that fills up and then frees
 * everything has its peak exactly. The new mark is a step above in_use.
 *
 * The error. With D the sum of what all shards may keep back, in_use is off by
 * at most D, both when the epoch moved and when the mark was nearly passed
 * again: step + 2 D, where D is reckoned from in_use, which is itself off by D;
 * hence 3 D in SEGMENT_PEAK_BOUND.
 *
 * Must never wait. All of this may be interrupted by a signal handler that
 * counts, in any row; see peak.c. Read next: shard.h, peak.c.
 */
#ifndef PREPROF_PEAK_H
#define PREPROF_PEAK_H

#include <stdint.h>

#include "cc.h"
#include "segment.h"

struct shard;

/* A row is about to be counted in, and its epoch is not the header's: saves
 * what it has, and puts the epoch into it. */
COLD void peak_save(struct shard *shard, uint32_t callsite,
                    struct segment_row *row);

/* The same before a free, which may end a rise. */
COLD void peak_save_freeing(struct shard *shard, uint32_t callsite,
                            struct segment_row *row);

/* Tells the others what the shard has counted. */
COLD void peak_settle(struct shard *shard);

#endif
