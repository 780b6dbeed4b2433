/* SPDX-License-Identifier: MIT */
/* answer_encode.c - see answer_encode.h. */
#include "answer_encode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "process_memstats.h"
#include "profile_folded.h"
#include "profile_gperftools.h"
#include "profile_pprof.h"
#include "profile_text.h"

static int write_profile(const char *format,
                         const struct segment_snapshot *snapshot,
                         const struct profile *profile, FILE *out)
{
    struct process_memstats stats;

    if (strcmp(format, "folded") == 0)
        return profile_folded_write(profile, profile->kind->value_count - 1,
                                    out);
    if (strcmp(format, "gperftools") == 0)
        return profile->kind->event == SEGMENT_EVENT_CPU
                   ? profile_gperftools_write(profile, out)
                   : profile_text_write_gperftools(profile, out);
    process_memstats_read(snapshot, &stats);
    return profile_text_write(profile, &stats, out);
}

/* Through a stream, or as bytes at once. */
int answer_encode(struct answer *answer,
                  const struct segment_snapshot *snapshot,
                  const struct profile *profile)
{
    const char *format = answer->request->format;
    FILE *out;
    int err;

    if (strcmp(format, "pprof") == 0)
        return profile_pprof_write(profile, (uint8_t **)&answer->body,
                                   &answer->size);
    out = open_memstream(&answer->body, &answer->size);
    if (!out)
        return -ENOMEM;
    err = write_profile(format, snapshot, profile, out);
    return fclose(out) == 0 && !err ? 0 : -ENOMEM;
}
