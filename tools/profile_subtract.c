/* SPDX-License-Identifier: MIT */
/*
 * profile_subtract.c - see profile_subtract.h.
 *
 * Stacks are compared by 64-bit hashes of the addresses of their locations,
 * each of which is the same in every profile of a process, whether it is code
 * or not.
 */
#include "profile_subtract.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hash_bytes.h"
#include "profile_trim.h"

struct entry {
    uint64_t hash;
    uint32_t index; /* + 1; 0 free */
};

struct table {
    struct entry *entries;
    size_t mask; /* at most half full */
};

static bool table_begin(struct table *table, size_t count)
{
    size_t size = 16;

    while (size < 2 * count)
        size *= 2;
    table->mask = size - 1;
    table->entries = calloc(size, sizeof(*table->entries));
    return table->entries != NULL;
}

/* The entry of a hash, or the free one where it belongs. */
static struct entry *table_find(struct table *table, uint64_t hash)
{
    for (size_t i = hash;; i++) {
        struct entry *entry = &table->entries[i & table->mask];

        if (!entry->index || entry->hash == hash)
            return entry;
    }
}

/* ---- hashes ------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_text(const char *text)
{
    return hash_bytes(text, strlen(text));
}

static uint64_t location_hash(const struct profile_location *location)
{
    return mix(0, location->address);
}

/* Of a stack with its labels. */
static uint64_t stack_hash(const struct profile *profile,
                           const struct profile_sample *sample)
{
    struct profile_label_set set = profile_labels(profile, sample);
    uint64_t hash = mix(sample->depth, set.count);

    for (size_t i = 0; i < set.count; i++) {
        hash = mix(hash, hash_text(set.labels[i].key));
        hash = mix(hash, hash_text(set.labels[i].value));
    }
    for (size_t i = 0; i < sample->depth; i++)
        hash =
            mix(hash, location_hash(&profile->locations[sample->locations[i]]));
    return hash;
}

/* ---- stacks that are gone ---------------------------------------------- */

struct difference {
    struct profile *later;
    const struct profile *earlier;
    struct table samples, locations; /* of `later` */
    size_t samples_room, locations_room;
    uint32_t *sets; /* by those of `earlier`: index + 1 of the copy */
};

static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    void *grown = list;

    if (count == *room) {
        size_t more = count ? 2 * count : 64;

        grown = realloc(list, more * size);
        if (grown)
            *room = more;
    }
    return grown;
}

/* The index + 1 in `later` of a mapping of `earlier`, which is added if need
 * be; 0 for none. Returns false when memory is short. */
static bool copy_mapping(struct difference *d, uint32_t from, uint32_t *to)
{
    const struct profile_mapping *wanted;
    struct profile *later = d->later;
    struct profile_mapping *grown;

    *to = 0;
    if (from == 0)
        return true;
    wanted = &d->earlier->mappings[from - 1];
    for (size_t i = 0; i < later->mapping_count; i++)
        if (later->mappings[i].start == wanted->start &&
            strcmp(later->mappings[i].file, wanted->file) == 0) {
            *to = (uint32_t)i + 1;
            return true;
        }
    grown = realloc(later->mappings,
                    (later->mapping_count + 1) * sizeof(*later->mappings));
    if (!grown)
        return false;
    later->mappings = grown;
    grown += later->mapping_count;
    *grown = *wanted;
    grown->file = strdup(wanted->file);
    grown->build_id = strdup(wanted->build_id);
    *to = (uint32_t)++later->mapping_count;
    return grown->file && grown->build_id;
}

static bool copy_lines(const struct profile_location *from,
                       struct profile_location *to)
{
    to->lines = calloc(from->line_count, sizeof(*to->lines));
    if (!to->lines)
        return false;
    to->line_count = from->line_count;
    for (size_t i = 0; i < from->line_count; i++) {
        struct profile_line *line = &to->lines[i];

        *line = from->lines[i];
        line->function = strdup(from->lines[i].function);
        line->system_name = strdup(from->lines[i].system_name);
        line->file = strdup(from->lines[i].file);
        if (!line->function || !line->system_name || !line->file)
            return false;
    }
    return true;
}

/* The index in `later` of a location of `earlier`, which is added if need be.
 * Returns false when memory is short. */
static bool copy_location(struct difference *d, uint32_t from, uint32_t *to)
{
    const struct profile_location *wanted = &d->earlier->locations[from];
    uint64_t hash = location_hash(wanted);
    struct entry *entry = table_find(&d->locations, hash);
    struct profile *later = d->later;
    struct profile_location *made;
    void *grown;

    if (!entry->index) {
        grown = grow(later->locations, later->location_count,
                     &d->locations_room, sizeof(*later->locations));
        if (!grown)
            return false;
        later->locations = grown;
        made = &later->locations[later->location_count++];
        *made = *wanted;
        made->lines = NULL;
        made->line_count = 0;
        *entry = (struct entry){hash, (uint32_t)later->location_count};
        if (!copy_lines(wanted, made) ||
            !copy_mapping(d, wanted->mapping, &made->mapping))
            return false;
    }
    *to = entry->index - 1;
    return true;
}

static bool copy_label(const struct profile_label *from,
                       struct profile_label *to)
{
    to->key = strdup(from->key);
    to->value = strdup(from->value);
    return to->key && to->value;
}

/* The index + 1 in `later` of a set of labels of `earlier`, which is copied at
 * its first use; 0 for none. Returns false when memory is short. */
static bool copy_labels(struct difference *d, uint32_t from, uint32_t *to)
{
    struct profile *later = d->later;
    const struct profile_label_set *wanted;
    struct profile_label_set *copy;

    *to = 0;
    if (from == 0)
        return true;
    if (d->sets[from - 1] == 0) {
        wanted = &d->earlier->label_sets[from - 1];
        copy = profile_label_set_add(later, wanted->count);
        if (!copy)
            return false;
        for (size_t i = 0; i < wanted->count; i++)
            if (!copy_label(&wanted->labels[i], &copy->labels[i]))
                return false;
        d->sets[from - 1] = (uint32_t)later->label_set_count;
    }
    *to = d->sets[from - 1];
    return true;
}

static bool add_gone(struct difference *d, const struct profile_sample *gone)
{
    struct profile *later = d->later;
    struct profile_sample *sample;
    void *grown = grow(later->samples, later->sample_count, &d->samples_room,
                       sizeof(*later->samples));

    if (!grown)
        return false;
    later->samples = grown;
    sample = &later->samples[later->sample_count++];
    *sample = (struct profile_sample){
        .locations = calloc(gone->depth + 1, sizeof(uint32_t)),
        .depth = gone->depth,
    };
    if (!copy_labels(d, gone->labels, &sample->labels))
        return false;
    for (int i = 0; i < later->kind->value_count; i++)
        sample->values[i] = -gone->values[i];
    for (size_t i = 0; sample->locations && i < gone->depth; i++)
        if (!copy_location(d, gone->locations[i], &sample->locations[i]))
            return false;
    return sample->locations != NULL;
}

/* ---- the difference ---------------------------------------------------- */

static bool subtract_all(struct difference *d)
{
    struct profile *later = d->later;
    const struct profile *earlier = d->earlier;

    for (size_t i = 0; i < later->location_count; i++) {
        uint64_t hash = location_hash(&later->locations[i]);

        *table_find(&d->locations, hash) =
            (struct entry){hash, (uint32_t)i + 1};
    }
    for (size_t i = 0; i < later->sample_count; i++) {
        uint64_t hash = stack_hash(later, &later->samples[i]);

        *table_find(&d->samples, hash) = (struct entry){hash, (uint32_t)i + 1};
    }
    for (size_t i = 0; i < earlier->sample_count; i++) {
        const struct profile_sample *sample = &earlier->samples[i];
        struct entry *entry =
            table_find(&d->samples, stack_hash(earlier, sample));

        if (!entry->index) {
            if (!add_gone(d, sample))
                return false;
            continue;
        }
        for (int j = 0; j < later->kind->value_count; j++)
            later->samples[entry->index - 1].values[j] -= sample->values[j];
    }
    for (int j = 0; j < later->kind->value_count; j++)
        later->total[j] -= earlier->total[j];
    return true;
}

int profile_subtract(struct profile *later, const struct profile *earlier)
{
    struct difference d = {
        .later = later,
        .earlier = earlier,
        .samples_room = later->sample_count,
        .locations_room = later->location_count,
        .sets = calloc(earlier->label_set_count + 1, sizeof(*d.sets)),
    };
    size_t samples = later->sample_count + earlier->sample_count;
    size_t locations = later->location_count + earlier->location_count;
    bool done = d.sets && table_begin(&d.samples, samples) &&
                table_begin(&d.locations, locations) && subtract_all(&d);

    free(d.samples.entries);
    free(d.locations.entries);
    free(d.sets);
    if (!done)
        return -ENOMEM;
    if (later->time_ns > earlier->time_ns)
        later->duration_ns = later->time_ns - earlier->time_ns;
    return profile_trim(later);
}
