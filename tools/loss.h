/* SPDX-License-Identifier: MIT */
/*
 * loss.h - what a loss means to the reader of a profile, and what to do.
 *
 * The words for each loss are in segment.h. Read next: doctor_segment.c.
 */
#ifndef PREPROF_LOSS_H
#define PREPROF_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "segment.h"

/* What the loss is, as segment.h words it. */
const char *loss_text(enum segment_loss loss);

/* What it does to the numbers, or what helps; one sentence. */
const char *loss_advice(enum segment_loss loss);

/* Whether numbers or stacks are wrong by it; else it is merely good to know. */
bool loss_is_serious(enum segment_loss loss);

/* Whether any of these counts is of a serious one. */
bool loss_any_serious(const uint64_t counts[SEGMENT_LOSS_COUNT]);

#endif
