/* SPDX-License-Identifier: MIT */
/* profile.c - see profile.h. */
#include "profile.h"

#include <stdlib.h>

void profile_location_free(struct profile_location *location)
{
    for (size_t i = 0; i < location->line_count; i++) {
        free(location->lines[i].function);
        free(location->lines[i].system_name);
        free(location->lines[i].file);
    }
    free(location->lines);
}

static void free_label_set(struct profile_label_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->labels[i].key);
        free(set->labels[i].value);
    }
    free(set->labels);
}

void profile_sample_add(struct profile_sample *sum,
                        const struct profile_sample *sample)
{
    for (int i = 0; i < PROFILE_VALUES_MAX; i++)
        if (__builtin_add_overflow(sum->values[i], sample->values[i],
                                   &sum->values[i]))
            sum->values[i] = sample->values[i] < 0 ? INT64_MIN : INT64_MAX;
}

struct profile_label_set *profile_label_set_add(struct profile *profile,
                                                size_t count)
{
    struct profile_label_set *grown = realloc(
        profile->label_sets, (profile->label_set_count + 1) * sizeof(*grown));
    struct profile_label *labels = calloc(count, sizeof(*labels));

    if (grown)
        profile->label_sets = grown;
    if (!grown || !labels) {
        free(labels);
        return NULL;
    }
    grown += profile->label_set_count++;
    *grown = (struct profile_label_set){labels, count};
    return grown;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    for (size_t i = 0; i < profile->mapping_count; i++) {
        free(profile->mappings[i].file);
        free(profile->mappings[i].build_id);
    }
    for (size_t i = 0; i < profile->location_count; i++)
        profile_location_free(&profile->locations[i]);
    for (size_t i = 0; i < profile->sample_count; i++)
        free(profile->samples[i].locations);
    for (size_t i = 0; i < profile->label_set_count; i++)
        free_label_set(&profile->label_sets[i]);
    for (size_t i = 0; i < profile->comment_count; i++)
        free(profile->comments[i]);
    free(profile->program);
    free(profile->mappings);
    free(profile->locations);
    free(profile->samples);
    free(profile->label_sets);
    free(profile->comments);
    free(profile);
}
