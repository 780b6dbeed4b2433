/* SPDX-License-Identifier: MIT */
/* profile_from_threads.c - see profile_from_threads.h. */
#include "profile_from_threads.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash_bytes.h"
#include "profile_build.h"
#include "profile_labels.h"

/* Above every address of a program: where locations that are no code are, each
 * at an address that follows from its name. */
#define NAMED_ADDRESS (UINT64_C(1) << 60)

/* Frames that a stack gets which is none, or not whole. */
#define NAMED_FRAMES_MAX 4

struct builder {
    struct thread_dump *dump;
    struct symbolizer *symbolizer;
    struct profile_builder build;
    struct profile_labels labels;
    struct symbol_module **modules; /* by index, opened at first use */
    uint32_t *mappings;             /* by module index: index + 1 */
    uint32_t *slots;                /* location by address: index + 1 */
    size_t slot_mask;
};

/* ---- locations --------------------------------------------------------- */

/* Where a location with the address is, or would be. */
static uint32_t *find_slot(struct builder *builder, uint64_t address)
{
    const struct profile_location *locations =
        builder->build.profile->locations;
    uint64_t hash = address * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t *slot;

    for (size_t i = hash >> 20;; i++) {
        slot = &builder->slots[i & builder->slot_mask];
        if (!*slot || locations[*slot - 1].address == address)
            return slot;
    }
}

static char *write_hex(const uint8_t *bytes, size_t length)
{
    char *hex = malloc(2 * length + 1);

    if (!hex)
        return NULL;
    hex[0] = '\0';
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return hex;
}

/* The mapping of a module; index + 1, or 0. */
static uint32_t mapping_of(struct builder *builder, size_t index)
{
    struct profile *profile = builder->build.profile;
    const struct thread_module *module = &builder->dump->modules.list[index];
    struct symbol_module_key key = {
        .path = module->path,
        .build_id = module->build_id_length ? module->build_id : NULL,
        .build_id_length = module->build_id_length,
        .bias = module->bias,
        .pid = builder->dump->pid,
        .mapped_ns = builder->dump->started_ns,
    };
    struct profile_mapping mapping = {
        .start = module->text_start,
        .limit = module->text_end,
        .offset = module->text_offset,
    };

    if (builder->mappings[index])
        return builder->mappings[index];
    mapping.file = profile_copy_text(&builder->build, module->path);
    mapping.build_id = write_hex(module->build_id, module->build_id_length);
    builder->build.failed |= !mapping.build_id;
    profile->mappings[profile->mapping_count++] = mapping;
    builder->modules[index] = symbolizer_module(builder->symbolizer, &key);
    return builder->mappings[index] = (uint32_t)profile->mapping_count;
}

/* The location of code; its index. */
static uint32_t location_of(struct builder *builder, uint64_t address)
{
    const struct thread_modules *modules = &builder->dump->modules;
    const struct thread_module *module = thread_modules_find(modules, address);
    uint32_t *slot = find_slot(builder, address), mapping = 0;
    struct profile_location *location;
    size_t index = 0;

    if (*slot)
        return *slot - 1;
    if (module) {
        index = (size_t)(module - modules->list);
        mapping = mapping_of(builder, index);
    }
    location = profile_add_location(&builder->build, address, mapping);
    if (!location)
        return 0;
    profile_symbolize(&builder->build, location,
                      module ? builder->modules[index] : NULL, address,
                      module ? module->bias : 0);
    *slot = (uint32_t)builder->build.profile->location_count;
    return *slot - 1;
}

/* A location that is no code; its index. */
static uint32_t named_location_of(struct builder *builder, const char *name)
{
    struct symbol_frame frame = {.function = name, .system_name = name};
    uint64_t address = NAMED_ADDRESS + (uint32_t)hash_bytes(name, strlen(name));
    struct profile_location *location;
    uint32_t *slot;

    while (slot = find_slot(builder, address), *slot) {
        location = &builder->build.profile->locations[*slot - 1];
        if (location->lines && strcmp(location->lines->system_name, name) == 0)
            return *slot - 1;
        address++;
    }
    location = profile_add_location(&builder->build, address, 0);
    if (!location)
        return 0;
    profile_add_lines(&builder->build, location, &frame, 1);
    *slot = (uint32_t)builder->build.profile->location_count;
    return *slot - 1;
}

/* ---- samples ----------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void
add_named(struct builder *builder, struct profile_sample *sample,
          const char *format, ...)
{
    char name[256];
    va_list values;

    va_start(values, format);
    vsnprintf(name, sizeof(name), format, values);
    va_end(values);
    sample->locations[sample->depth++] = named_location_of(builder, name);
}

static void add_addresses(struct builder *builder, const uint64_t *addresses,
                          size_t depth, struct profile_sample *sample)
{
    for (size_t i = 0; i < depth && !builder->build.failed; i++)
        sample->locations[sample->depth++] = location_of(builder, addresses[i]);
}

static void add_stack(struct builder *builder, const struct thread *thread,
                      struct profile_sample *sample)
{
    const struct thread_dump *dump = builder->dump;

    add_addresses(builder, thread->addresses, thread->depth, sample);
    if (dump->refusal) {
        add_named(builder, sample, "[%s]", thread->words);
        add_named(builder, sample, "[thread %s]", thread->name);
        add_named(builder, sample, "[not permitted: %s]", dump->refusal);
        if (thread->creation)
            add_named(builder, sample, "[created by]");
        add_addresses(builder, thread->creation, thread->creation_depth,
                      sample);
    } else if (thread->cut) {
        add_named(builder, sample, "%s", thread->cut);
    } else if (thread->depth == 0) {
        add_named(builder, sample, "[no stack]");
    }
}

static bool same_stack(const struct profile_sample *a,
                       const struct profile_sample *b)
{
    return a->depth == b->depth && a->labels == b->labels &&
           memcmp(a->locations, b->locations, a->depth * sizeof(uint32_t)) == 0;
}

/* A dump has few distinct stacks, and they differ near the leaf. */
static void add_thread(struct builder *builder, struct thread *thread)
{
    struct profile *profile = builder->build.profile;
    struct profile_sample *sample = &profile->samples[profile->sample_count];

    *sample = (struct profile_sample){
        .locations =
            calloc(thread->depth + thread->creation_depth + NAMED_FRAMES_MAX,
                   sizeof(uint32_t)),
        .values = {1},
    };
    if (!sample->locations) {
        builder->build.failed = true;
        return;
    }
    if (thread->labels)
        sample->labels = profile_labels_set(&builder->labels, &builder->build,
                                            thread->labels);
    add_stack(builder, thread, sample);
    if (thread->creation)
        thread->creator_location = location_of(builder, thread->creation[0]);
    profile->total[0]++;
    for (size_t i = 0; i < profile->sample_count; i++) {
        if (!same_stack(&profile->samples[i], sample))
            continue;
        profile->samples[i].values[0]++;
        thread->sample = i;
        free(sample->locations);
        return;
    }
    thread->sample = profile->sample_count++;
}

/* ---- all of it --------------------------------------------------------- */

static void fill(struct builder *builder)
{
    struct thread_dump *dump = builder->dump;
    struct profile *profile = builder->build.profile;

    profile->pid = (uint32_t)dump->pid;
    profile->time_ns = dump->time_ns;
    profile->period = 1;
    profile->program = profile_copy_text(&builder->build, dump->program);
    if (dump->modules.main < dump->modules.count)
        mapping_of(builder, dump->modules.main); /* the first: pprof names the
                                                    profile after it */
    for (size_t i = 0; i < dump->count && !builder->build.failed; i++)
        add_thread(builder, &dump->threads[i]);
    for (size_t i = 0; i < dump->deadlock_count; i++)
        profile_add_comment(&builder->build, "%s", dump->deadlocks[i]);
    if (dump->advice)
        profile_add_comment(&builder->build, "%s", dump->advice);
    for (size_t i = 0; i < dump->modules.count; i++) {
        const char *note = builder->modules[i]
                               ? symbol_module_note(builder->modules[i])
                               : NULL;

        if (note)
            profile_add_comment(&builder->build, "%s", note);
    }
}

struct profile *profile_from_threads(struct thread_dump *dump,
                                     struct symbolizer *symbolizer,
                                     const struct profile_kind *kind)
{
    struct profile *profile = calloc(1, sizeof(*profile));
    struct builder builder = {
        .dump = dump,
        .symbolizer = symbolizer,
        .build.profile = profile,
        .modules = calloc(dump->modules.count + 1, sizeof(*builder.modules)),
        .mappings = calloc(dump->modules.count + 1, sizeof(*builder.mappings)),
    };
    size_t frames = 0, slots = 1024;

    for (size_t i = 0; i < dump->count; i++)
        frames += dump->threads[i].depth + dump->threads[i].creation_depth +
                  NAMED_FRAMES_MAX;
    while (slots < 2 * frames)
        slots *= 2;
    builder.slots = calloc(slots, sizeof(*builder.slots));
    builder.slot_mask = slots - 1;
    if (profile) {
        profile->kind = kind;
        profile->mappings =
            calloc(dump->modules.count + 1, sizeof(*profile->mappings));
        profile->samples = calloc(dump->count + 1, sizeof(*profile->samples));
    }
    builder.build.failed = !builder.modules || !builder.mappings ||
                           !builder.slots || !profile || !profile->mappings ||
                           !profile->samples;
    if (dump->snapshot)
        builder.build.failed |=
            profile_labels_begin(&builder.labels, dump->snapshot) != 0;
    if (!builder.build.failed)
        fill(&builder);
    profile_labels_end(&builder.labels);
    free(builder.modules);
    free(builder.mappings);
    free(builder.slots);
    if (!builder.build.failed)
        return profile;
    profile_free(profile);
    return NULL;
}
