/* SPDX-License-Identifier: MIT */
/*
 * answer_encode.h - a profile as the bytes of an answer, in the format that was
 * asked for. Read next: profile_pprof.h, profile_text.h.
 */
#ifndef PREPROF_ANSWER_ENCODE_H
#define PREPROF_ANSWER_ENCODE_H

#include "answer.h"
#include "profile.h"

/* Fills in the body. `snapshot` is what the profile was made of; NULL where the
 * format is not text. Returns 0 or -errno. */
int answer_encode(struct answer *answer,
                  const struct segment_snapshot *snapshot,
                  const struct profile *profile);

#endif
