/* SPDX-License-Identifier: MIT */
/* profile_merge.c - see profile_merge.h. */
#include "profile_merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hash_bytes.h"

static bool is_same(const struct profile_sample *a,
                    const struct profile_sample *b)
{
    return a->depth == b->depth && a->labels == b->labels &&
           memcmp(a->locations, b->locations,
                  a->depth * sizeof(*a->locations)) == 0;
}

int profile_merge(struct profile *profile)
{
    struct profile_sample *samples = profile->samples;
    size_t mask = 15, kept = 0;
    uint32_t *slots; /* index + 1 of a kept sample; 0 free */

    while (mask < 2 * profile->sample_count)
        mask = 2 * mask + 1;
    slots = calloc(mask + 1, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < profile->sample_count; i++) {
        struct profile_sample sample = samples[i];
        size_t at = hash_bytes((const char *)sample.locations,
                               sample.depth * sizeof(*sample.locations));

        while (slots[at & mask] &&
               !is_same(&samples[slots[at & mask] - 1], &sample))
            at++;
        if (slots[at & mask]) {
            profile_sample_add(&samples[slots[at & mask] - 1], &sample);
            free(sample.locations);
        } else {
            samples[kept++] = sample;
            slots[at & mask] = (uint32_t)kept;
        }
    }
    profile->sample_count = kept;
    free(slots);
    return 0;
}
