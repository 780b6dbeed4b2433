/* SPDX-License-Identifier: MIT */
/*
 * profile_pprof.c - see profile_pprof.h.
 *
 * The messages of protobuf-c are trees of pointers; each kind lies in one
 * array made for it, and lists of pointers lead into the arrays. The string
 * table is a hash table over the texts of the profile, which are not copied.
 */
#include "profile_pprof.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "hash_bytes.h"
#include "profile.h"
#include "profile.pb-c.h"

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__ValueType ValueType;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;

#define COMPRESSION_LEVEL 6 /* zlib's default */

/* ---- tables: text to index, and function to id ------------------------- */

struct strings {
    const char **texts; /* [0] is "" */
    uint32_t *slots;    /* index, 0 free */
    size_t count, slot_mask;
};

/* The index of a text; there is room for all (see count_strings). */
static int64_t string_of(struct strings *strings, const char *text)
{
    if (!*text)
        return 0;
    for (size_t i = hash_bytes(text, strlen(text));; i++) {
        uint32_t *slot = &strings->slots[i & strings->slot_mask];

        if (*slot == 0) {
            *slot = (uint32_t)strings->count;
            strings->texts[strings->count++] = text;
        }
        if (strcmp(strings->texts[*slot], text) == 0)
            return *slot;
    }
}

/* ---- the message ------------------------------------------------------- */

struct writer {
    const struct profile *profile;
    struct strings strings;
    Profile message;
    ValueType types[PROFILE_VALUES_MAX], period;
    ValueType *type_list[PROFILE_VALUES_MAX];
    Sample *samples, **sample_list;
    Label *labels, **label_list; /* of all sets, one after the other */
    Label ***label_sets;         /* where in label_list each set begins */
    uint64_t *ids;
    Mapping *mappings, **mapping_list;
    Location *locations, **location_list;
    Line *lines, **line_list;
    Function *functions, **function_list;
    uint32_t *function_slots; /* id, 0 free */
    size_t function_mask;
    int64_t *comments;
};

static size_t count_lines(const struct profile *profile)
{
    size_t count = 0;

    for (size_t i = 0; i < profile->location_count; i++)
        count += profile->locations[i].line_count;
    return count;
}

static size_t count_frames(const struct profile *profile)
{
    size_t count = 0;

    for (size_t i = 0; i < profile->sample_count; i++)
        count += profile->samples[i].depth;
    return count;
}

static size_t count_labels(const struct profile *profile)
{
    size_t count = 0;

    for (size_t i = 0; i < profile->label_set_count; i++)
        count += profile->label_sets[i].count;
    return count;
}

static size_t power_above(size_t count)
{
    size_t power = 16;

    while (power < 2 * count)
        power *= 2;
    return power;
}

/* Makes room for all; false when memory is short. */
static bool allocate(struct writer *w)
{
    const struct profile *p = w->profile;
    size_t lines = count_lines(p), frames = count_frames(p);
    size_t labels = count_labels(p);
    size_t texts =
        3 * lines + 2 * p->mapping_count + p->comment_count + 2 * labels + 16;

#define MAKE(member, count)                                                    \
    (w->member = calloc((count) + 1, sizeof(*w->member)))
    w->strings.slot_mask = power_above(texts) - 1;
    w->function_mask = power_above(lines) - 1;
    w->strings.count = 1;
    if (!MAKE(strings.texts, texts) ||
        !MAKE(strings.slots, w->strings.slot_mask) ||
        !MAKE(samples, p->sample_count) ||
        !MAKE(sample_list, p->sample_count) || !MAKE(ids, frames) ||
        !MAKE(labels, labels) || !MAKE(label_list, labels) ||
        !MAKE(label_sets, p->label_set_count) ||
        !MAKE(mappings, p->mapping_count) ||
        !MAKE(mapping_list, p->mapping_count) ||
        !MAKE(locations, p->location_count) ||
        !MAKE(location_list, p->location_count) || !MAKE(lines, lines) ||
        !MAKE(line_list, lines) || !MAKE(functions, lines) ||
        !MAKE(function_list, lines) ||
        !MAKE(function_slots, w->function_mask) ||
        !MAKE(comments, p->comment_count))
        return false;
#undef MAKE
    w->strings.texts[0] = "";
    return true;
}

static void release(struct writer *w)
{
    void *all[] = {
        w->strings.texts, w->strings.slots,  w->samples,      w->sample_list,
        w->ids,           w->mappings,       w->mapping_list, w->locations,
        w->location_list, w->lines,          w->line_list,    w->functions,
        w->function_list, w->function_slots, w->comments,     w->labels,
        w->label_list,    w->label_sets};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void write_type(struct writer *w, const struct profile_type *from,
                       ValueType *to)
{
    perftools__profiles__value_type__init(to);
    to->type = string_of(&w->strings, from->name);
    to->unit = string_of(&w->strings, from->unit);
}

static void write_types(struct writer *w)
{
    const struct profile_kind *kind = w->profile->kind;

    for (int i = 0; i < kind->value_count; i++) {
        write_type(w, &kind->values[i], &w->types[i]);
        w->type_list[i] = &w->types[i];
    }
    write_type(w, &kind->period, &w->period);
}

static void write_mappings(struct writer *w)
{
    for (size_t i = 0; i < w->profile->mapping_count; i++) {
        const struct profile_mapping *from = &w->profile->mappings[i];
        Mapping *to = w->mapping_list[i] = &w->mappings[i];

        perftools__profiles__mapping__init(to);
        to->id = i + 1;
        to->memory_start = from->start;
        to->memory_limit = from->limit;
        to->file_offset = from->offset;
        to->filename = string_of(&w->strings, from->file);
        to->build_id = string_of(&w->strings, from->build_id);
        to->has_functions = true;
        to->has_filenames = true;
        to->has_line_numbers = true;
        to->has_inline_frames = true;
    }
}

/* The id of a line's function: one per name, system name, file and start. */
static uint64_t function_of(struct writer *w, const struct profile_line *line)
{
    Function wanted;

    perftools__profiles__function__init(&wanted);
    wanted.name = string_of(&w->strings, line->function);
    wanted.system_name = string_of(&w->strings, line->system_name);
    wanted.filename = string_of(&w->strings, line->file);
    wanted.start_line = line->start_line;
    for (size_t i = (size_t)wanted.name * 31 + (size_t)wanted.filename;; i++) {
        uint32_t *slot = &w->function_slots[i & w->function_mask];
        const Function *known = &w->functions[*slot ? *slot - 1 : 0];

        if (*slot == 0) {
            size_t count = w->message.n_function++;

            wanted.id = count + 1;
            w->functions[count] = wanted;
            w->function_list[count] = &w->functions[count];
            *slot = (uint32_t)wanted.id;
            return wanted.id;
        }
        if (known->name == wanted.name && known->filename == wanted.filename &&
            known->system_name == wanted.system_name &&
            known->start_line == wanted.start_line)
            return known->id;
    }
}

static void write_locations(struct writer *w)
{
    size_t next = 0;

    for (size_t i = 0; i < w->profile->location_count; i++) {
        const struct profile_location *from = &w->profile->locations[i];
        Location *to = w->location_list[i] = &w->locations[i];

        perftools__profiles__location__init(to);
        to->id = i + 1;
        to->mapping_id = from->mapping;
        to->address = from->address;
        to->n_line = from->line_count;
        to->line = &w->line_list[next];
        for (size_t j = 0; j < from->line_count; j++, next++) {
            Line *line = w->line_list[next] = &w->lines[next];

            perftools__profiles__line__init(line);
            line->function_id = function_of(w, &from->lines[j]);
            line->line = from->lines[j].line;
        }
    }
}

/* Samples of one set share its labels. */
static void write_labels(struct writer *w)
{
    size_t next = 0;

    for (size_t i = 0; i < w->profile->label_set_count; i++) {
        const struct profile_label_set *set = &w->profile->label_sets[i];

        w->label_sets[i] = &w->label_list[next];
        for (size_t j = 0; j < set->count; j++, next++) {
            Label *to = w->label_list[next] = &w->labels[next];

            perftools__profiles__label__init(to);
            to->key = string_of(&w->strings, set->labels[j].key);
            to->str = string_of(&w->strings, set->labels[j].value);
        }
    }
}

/* Without Go's label "bytes", the size of a sample's blocks: Go keeps a stack's
 * sizes apart, we do not, and to scrapers that compute differences a mean that
 * moves would be a new sample each time. */
static void write_samples(struct writer *w)
{
    size_t next = 0;

    for (size_t i = 0; i < w->profile->sample_count; i++) {
        struct profile_sample *from = &w->profile->samples[i];
        Sample *to = w->sample_list[i] = &w->samples[i];

        perftools__profiles__sample__init(to);
        to->n_location_id = from->depth;
        to->location_id = &w->ids[next];
        for (size_t j = 0; j < from->depth; j++)
            w->ids[next++] = from->locations[j] + UINT64_C(1);
        if (from->labels) {
            to->n_label = profile_labels(w->profile, from).count;
            to->label = w->label_sets[from->labels - 1];
        }
        to->n_value = (size_t)w->profile->kind->value_count;
        to->value = from->values;
    }
}

static void write_message(struct writer *w)
{
    const struct profile *p = w->profile;
    Profile *m = &w->message;

    perftools__profiles__profile__init(m);
    write_types(w);
    write_mappings(w);
    write_locations(w);
    write_labels(w);
    write_samples(w);
    for (size_t i = 0; i < p->comment_count; i++)
        w->comments[i] = string_of(&w->strings, p->comments[i]);
    m->n_sample_type = (size_t)p->kind->value_count;
    m->sample_type = w->type_list;
    m->n_sample = p->sample_count;
    m->sample = w->sample_list;
    m->n_mapping = p->mapping_count;
    m->mapping = w->mapping_list;
    m->n_location = p->location_count;
    m->location = w->location_list;
    m->function = w->function_list;
    m->time_nanos = (int64_t)p->time_ns;
    m->duration_nanos = (int64_t)p->duration_ns;
    m->period_type = &w->period;
    m->period = p->period;
    m->n_comment = p->comment_count;
    m->comment = w->comments;
    if (p->kind->default_type)
        m->default_sample_type = string_of(&w->strings, p->kind->default_type);
    m->n_string_table = w->strings.count; /* last: all texts are in */
    /* protobuf-c does not write to them; its types cannot say so. */
    m->string_table = (char **)(uintptr_t)w->strings.texts;
}

static int compress(const uint8_t *plain, size_t plain_size, uint8_t **bytes,
                    size_t *size)
{
    struct libdeflate_compressor *compressor =
        libdeflate_alloc_compressor(COMPRESSION_LEVEL);
    size_t bound;

    if (!compressor)
        return -ENOMEM;
    bound = libdeflate_gzip_compress_bound(compressor, plain_size);
    *bytes = malloc(bound);
    if (*bytes)
        *size = libdeflate_gzip_compress(compressor, plain, plain_size, *bytes,
                                         bound);
    libdeflate_free_compressor(compressor);
    return *bytes ? 0 : -ENOMEM;
}

int profile_pprof_write(const struct profile *profile, uint8_t **bytes,
                        size_t *size)
{
    struct writer w = {.profile = profile};
    uint8_t *plain = NULL;
    size_t plain_size;
    int err = -ENOMEM;

    if (allocate(&w)) {
        write_message(&w);
        plain_size = perftools__profiles__profile__get_packed_size(&w.message);
        plain = malloc(plain_size + 1);
        if (plain) {
            perftools__profiles__profile__pack(&w.message, plain);
            err = compress(plain, plain_size, bytes, size);
        }
    }
    free(plain);
    release(&w);
    return err;
}
