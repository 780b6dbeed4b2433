/* SPDX-License-Identifier: MIT */
/* profile_trim.c - see profile_trim.h. */
#include "profile_trim.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static void drop_samples(struct profile *profile)
{
    size_t kept = 0;

    for (size_t i = 0; i < profile->sample_count; i++) {
        struct profile_sample *sample = &profile->samples[i];
        bool any = false;

        for (int j = 0; j < profile->kind->value_count; j++)
            any |= sample->values[j] != 0;
        if (any)
            profile->samples[kept++] = *sample;
        else
            free(sample->locations);
    }
    profile->sample_count = kept;
}

static bool drop_locations(struct profile *profile)
{
    uint32_t *moved = calloc(profile->location_count + 1, sizeof(*moved));
    uint32_t kept = 0;

    if (!moved)
        return false;
    for (size_t i = 0; i < profile->sample_count; i++)
        for (size_t j = 0; j < profile->samples[i].depth; j++)
            moved[profile->samples[i].locations[j]] = 1;
    for (size_t i = 0; i < profile->location_count; i++) {
        if (moved[i]) {
            profile->locations[kept] = profile->locations[i];
            moved[i] = kept++;
        } else {
            profile_location_free(&profile->locations[i]);
        }
    }
    profile->location_count = kept;
    for (size_t i = 0; i < profile->sample_count; i++)
        for (size_t j = 0; j < profile->samples[i].depth; j++)
            profile->samples[i].locations[j] =
                moved[profile->samples[i].locations[j]];
    free(moved);
    return true;
}

int profile_trim(struct profile *profile)
{
    drop_samples(profile);
    return drop_locations(profile) ? 0 : -ENOMEM;
}
