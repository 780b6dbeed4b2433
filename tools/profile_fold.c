/* SPDX-License-Identifier: MIT */
/* profile_fold.c - see profile_fold.h. */
#include "profile_fold.h"

#include <errno.h>
#include <stdlib.h>

#include "profile_build.h"
#include "profile_trim.h"
#include "segment_check.h"
#include "segment_values.h"

/* How much a sample is, whatever its signs: bytes and nanoseconds outweigh
 * numbers of things. */
static uint64_t size_of(const struct profile_sample *sample)
{
    uint64_t size = 0;

    for (int i = 0; i < PROFILE_VALUES_MAX; i++) {
        int64_t value = sample->values[i];

        segment_add(&size, value < 0 ? -(uint64_t)value : (uint64_t)value);
    }
    return size;
}

/* The largest first. Equal ones keep no order: which of them are shown is
 * anybody's choice. */
static int by_size(const void *a, const void *b)
{
    uint64_t x = size_of(a), y = size_of(b);

    return x < y ? 1 : -(x > y);
}

/* The sum of samples, whose memory is given back. */
static struct profile_sample sum_up(struct profile_sample *samples,
                                    size_t count)
{
    struct profile_sample sum = {0};

    for (size_t i = 0; i < count; i++) {
        profile_sample_add(&sum, &samples[i]);
        free(samples[i].locations);
    }
    return sum;
}

int profile_fold(struct profile *profile, uint32_t limit)
{
    struct symbol_frame frame = {.function = PROFILE_FOLDED_NAME,
                                 .system_name = PROFILE_FOLDED_NAME};
    struct profile_builder build = {
        .profile = profile,
        .locations_room = profile->location_count,
    };
    struct profile_location *location;
    struct profile_sample *folded;

    if (profile->sample_count <= limit)
        return 0;
    qsort(profile->samples, profile->sample_count, sizeof(*profile->samples),
          by_size);
    folded = &profile->samples[limit - 1];
    *folded = sum_up(folded, profile->sample_count - (limit - 1));
    profile->sample_count = limit;
    folded->locations = malloc(sizeof(*folded->locations));
    location = profile_add_location(
        &build, SEGMENT_ADDRESS_MAX + SEGMENT_SINK_FOLDED, 0);
    if (!folded->locations || !location)
        return -ENOMEM;
    profile_add_lines(&build, location, &frame, 1);
    folded->locations[0] = (uint32_t)profile->location_count - 1;
    folded->depth = 1;
    return build.failed ? -ENOMEM : profile_trim(profile);
}
