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
