/* SPDX-License-Identifier: MIT */
/*
 * profile_from_segment.c - profile_from_segment() of profile.h.
 *
 * A node of the segment's tree becomes a location by its (address, module):
 * the same pc under two parents is one location. Addresses are return addresses
 * minus one, as pprof expects them, so that a call that ends a line is still
 * on it. Readers tell locations apart by address alone: sinks, truncated stacks
 * and the code of a module that lies where another was get addresses above
 * every real one, the same ones in every profile of a process. Read next:
 * shim/segment.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "loss.h"
#include "printable.h"
#include "profile_build.h"
#include "profile_fold.h"
#include "profile_labels.h"
#include "profile_merge.h"
#include "quantity.h"
#include "segment_check.h"
#include "segment_modules.h"
#include "segment_read.h"
#include "symbolize.h"

static const char *const sink_names[SEGMENT_SINK_COUNT] = {
    [SEGMENT_SINK_NESTED] = "[allocated in a signal handler]",
    [SEGMENT_SINK_FULL] = "[callsite table full]",
    [SEGMENT_SINK_NO_STACK] = "[no stack]",
    [SEGMENT_SINK_NO_ROOM] = "[segment full]",
    [SEGMENT_SINK_BLOCKED] = "[signal blocked]",
    [SEGMENT_SINK_FOLDED] = PROFILE_FOLDED_NAME,
};

struct slot { /* of the table from (address, module) to location */
    uint64_t address;
    uint32_t module;
    uint32_t location; /* index + 1; 0 free */
};

struct builder {
    const struct segment_snapshot *snapshot;
    struct symbolizer *symbolizer;
    const bool *wanted; /* by callsite; NULL: those with a value of the kind */
    struct profile_builder build;
    struct segment_module_view *views; /* by module index */
    struct symbol_module **modules;    /* by index, opened at first use */
    uint32_t *mappings;                /* by module index: index + 1 */
    struct slot *slots;                /* a power of two, at most half full */
    size_t slot_mask;
    uint64_t next_address; /* of locations without one */
    uint32_t truncated;    /* index + 1 of its location */
    struct profile_labels labels;
};

/* ---- locations of no code ---------------------------------------------- */

/* Where locations that stand for no code are, above SEGMENT_ADDRESS_MAX, so
 * that each is the same one in every profile: sinks by their ids, then these,
 * then locations of damaged segments, whose address another one has. */
enum {
    PLACE_TRUNCATED = SEGMENT_SINK_COUNT,
    PLACE_OTHERS,
};

/* A location that stands for no code. Returns index + 1, or 0. */
static uint32_t add_named_location(struct builder *builder, uint32_t place,
                                   const char *name)
{
    struct symbol_frame frame = {.function = name, .system_name = name};
    struct profile_location *location =
        profile_add_location(&builder->build, SEGMENT_ADDRESS_MAX + place, 0);

    if (!location)
        return 0;
    profile_add_lines(&builder->build, location, &frame, 1);
    return (uint32_t)builder->build.profile->location_count;
}

/* ---- modules ----------------------------------------------------------- */

/* The mapping of a module; index + 1, or 0. */
static uint32_t mapping_of(struct builder *builder, uint32_t module_index)
{
    const struct segment_snapshot *snapshot = builder->snapshot;
    const struct segment_module *module = &snapshot->modules[module_index];
    struct profile *profile = builder->build.profile;
    struct symbol_module_key key;
    struct profile_mapping *mapping;
    char hex[2 * sizeof(module->build_id) + 1] = "";

    if (builder->mappings[module_index])
        return builder->mappings[module_index];
    for (uint32_t i = 0; i < module->build_id_length; i++)
        snprintf(hex + 2 * i, 3, "%02x", module->build_id[i]);
    mapping = &profile->mappings[profile->mapping_count];
    *mapping = (struct profile_mapping){
        .start = module->text_start + builder->views[module_index].shift,
        .limit = module->text_end + builder->views[module_index].shift,
        .offset = module->text_offset,
        .file = segment_module_path(snapshot, module),
        .build_id = strdup(hex),
    };
    if (!mapping->file || !mapping->build_id) {
        free(mapping->file);
        free(mapping->build_id);
        builder->build.failed = true;
        return 0;
    }
    profile->mapping_count++;
    key = segment_module_key(snapshot, module, mapping->file);
    builder->modules[module_index] =
        symbolizer_module(builder->symbolizer, &key);
    printable_clean(mapping->file, strlen(mapping->file));
    return builder->mappings[module_index] = (uint32_t)profile->mapping_count;
}

/* The main program first: pprof names the profile after mapping[0]. */
static void add_main_mapping(struct builder *builder)
{
    const struct segment_snapshot *snapshot = builder->snapshot;

    for (uint32_t i = 0; i < snapshot->module_count; i++)
        if (snapshot->modules[i].end &&
            (snapshot->modules[i].flags & SEGMENT_MODULE_MAIN)) {
            mapping_of(builder, i);
            return;
        }
}

/* ---- locations --------------------------------------------------------- */

static void symbolize(struct builder *builder,
                      struct profile_location *location, uint32_t module,
                      uint64_t pc)
{
    if (module)
        profile_symbolize(&builder->build, location,
                          builder->modules[module - 1], pc,
                          builder->snapshot->modules[module - 1].bias);
    else
        profile_symbolize(&builder->build, location, NULL, pc, 0);
}

/* The location of a node; index + 1, or 0 when memory is short. */
static uint32_t location_of(struct builder *builder,
                            const struct segment_node *node)
{
    uint64_t pc = node->flags & SEGMENT_NODE_EXACT_PC ? node->pc : node->pc - 1;
    uint64_t address = pc, hash;
    uint32_t module = node->module;
    bool taken = pc == 0 || pc >= SEGMENT_ADDRESS_MAX;
    struct profile_location *location;
    struct slot *slot;
    uint32_t mapping;

    if (module) {
        module = builder->views[module - 1].first + 1;
        address += builder->views[module - 1].shift;
    }
    hash = address * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = hash >> 20;; i++) {
        slot = &builder->slots[i & builder->slot_mask];
        if (!slot->location)
            break;
        if (slot->address == address && slot->module == module)
            return slot->location;
        taken |= slot->address == address; /* all such are on this way */
    }
    mapping = module ? mapping_of(builder, module - 1) : 0;
    if (builder->build.failed)
        return 0;
    location = profile_add_location(
        &builder->build, taken ? builder->next_address++ : address, mapping);
    if (!location)
        return 0;
    symbolize(builder, location, module, pc);
    *slot = (struct slot){address, module,
                          (uint32_t)builder->build.profile->location_count};
    return slot->location;
}

/* ---- samples ----------------------------------------------------------- */

/* Reads what a kind of profile counts at a callsite. Returns whether there is
 * anything. */
static bool read_values(const struct builder *builder, uint32_t id,
                        int64_t values[PROFILE_VALUES_MAX])
{
    const struct segment_snapshot *snapshot = builder->snapshot;
    const struct profile_kind *kind = builder->build.profile->kind;
    const struct segment_values *heap = &snapshot->values[id];
    const struct segment_event_row *rows = snapshot->events[kind->event];
    bool any = false;

    memset(values, 0, PROFILE_VALUES_MAX * sizeof(values[0]));
    if (builder->wanted) {
        values[0] = builder->wanted[id];
    } else if (profile_kind_is_heap(kind)) {
        values[PROFILE_ALLOC_OBJECTS] = (int64_t)heap->alloc_objects;
        values[PROFILE_ALLOC_SPACE] = (int64_t)heap->alloc_space;
        values[PROFILE_INUSE_OBJECTS] = (int64_t)heap->inuse_objects;
        values[PROFILE_INUSE_SPACE] = (int64_t)heap->inuse_space;
    } else if (profile_kind_is_peak(kind)) {
        values[PROFILE_PEAK_OBJECTS] = (int64_t)heap->peak_objects;
        values[PROFILE_PEAK_SPACE] = (int64_t)heap->peak_space;
    } else if (rows) {
        values[PROFILE_CONTENTIONS] = (int64_t)rows[id].count;
        if (kind->value_count > PROFILE_DELAY)
            values[PROFILE_DELAY] = (int64_t)rows[id].delay_ns;
    }
    for (int i = 0; i < PROFILE_VALUES_MAX; i++)
        any |= values[i] != 0;
    return any;
}

/* Values may be absurd: a total stops at the top. */
static void add_total(struct profile *profile, const int64_t *values)
{
    for (int i = 0; i < PROFILE_VALUES_MAX; i++)
        if (__builtin_add_overflow(profile->total[i], values[i],
                                   &profile->total[i]))
            profile->total[i] = INT64_MAX;
}

static void add_stack(struct builder *builder, struct profile_sample *sample,
                      const struct segment_callsite *callsite)
{
    const struct segment_node *nodes = builder->snapshot->nodes;
    uint32_t outermost = 0;

    for (uint32_t n = callsite->node; n && !builder->build.failed;
         n = nodes[n].parent) {
        if (nodes[n].flags & SEGMENT_NODE_LABELS) {
            sample->labels = profile_labels_set(
                &builder->labels, &builder->build, (uint32_t)nodes[n].pc);
            break;
        }
        sample->locations[sample->depth++] =
            location_of(builder, &nodes[n]) - 1;
        outermost = n;
    }
    if (nodes[outermost].flags & SEGMENT_NODE_TRUNCATED) {
        if (!builder->truncated)
            builder->truncated =
                add_named_location(builder, PLACE_TRUNCATED, "[truncated]");
        sample->locations[sample->depth++] = builder->truncated - 1;
    }
}

static void add_sample(struct builder *builder, uint32_t id,
                       const int64_t *values)
{
    const struct segment_snapshot *snapshot = builder->snapshot;
    const struct segment_callsite *callsite = &snapshot->callsites[id];
    struct profile *profile = builder->build.profile;
    struct profile_sample *sample = &profile->samples[profile->sample_count];
    bool sink = id < SEGMENT_SINK_COUNT;

    *sample = (struct profile_sample){
        .locations = calloc(sink ? 1 : callsite->depth + 1u, sizeof(uint32_t)),
    };
    if (!sample->locations) {
        builder->build.failed = true;
        return;
    }
    memcpy(sample->values, values, sizeof(sample->values));
    add_total(profile, values);
    profile->sample_count++;
    if (sink) {
        const char *name = sink_names[id] ? sink_names[id] : "[unknown sink]";

        sample->locations[sample->depth++] =
            add_named_location(builder, id, name) - 1;
    } else {
        add_stack(builder, sample, callsite);
    }
}

/* How much more there may have been than the moment that was noticed had.
 * Shard 0 counts only where threads share it. */
static void add_peak_comment(struct builder *builder)
{
    const struct segment_snapshot *snapshot = builder->snapshot;
    uint64_t shards = snapshot->header.shards_used;
    char bound[QUANTITY_SIZE];

    if (shards && !snapshot->losses[SEGMENT_LOSS_SHARDS_SHARED])
        shards--;
    quantity_bytes(SEGMENT_PEAK_BOUND(snapshot->total.peak_space, shards),
                   bound);
    profile_add_comment(&builder->build,
                        "in use when the most was, or within %s of it", bound);
}

static void add_comments(struct builder *builder)
{
    const struct segment_snapshot *snapshot = builder->snapshot;
    char coverage[COVERAGE_TEXT_SIZE];

    if (profile_kind_is_peak(builder->build.profile->kind))
        add_peak_comment(builder);

    if (snapshot->header.recording_ns &&
        !coverage_is_whole(&snapshot->header)) {
        coverage_text(&snapshot->header, coverage);
        profile_add_comment(&builder->build, "counts %s", coverage);
    }
    if (snapshot->header.status != SEGMENT_OK)
        profile_add_comment(&builder->build, "nothing recorded: %s",
                            snapshot->header.note[0]
                                ? snapshot->header.note
                                : "this process cannot be");
    for (int i = 0; i < SEGMENT_LOSS_COUNT; i++)
        if (snapshot->losses[i])
            profile_add_comment(&builder->build, "%" PRIu64 " %s",
                                snapshot->losses[i], loss_text(i));
    for (uint32_t i = 0; i < snapshot->module_count; i++) {
        const char *note = builder->modules[i]
                               ? symbol_module_note(builder->modules[i])
                               : NULL;
        if (note)
            profile_add_comment(&builder->build, "%s", note);
    }
}

/* The mean distance of two samples, in the unit of the kind's period. */
static int64_t period_of(const struct segment_snapshot *snapshot,
                         const struct profile_kind *kind)
{
    uint64_t mode = snapshot->header.mode;
    uint32_t hz = snapshot->header.cpu.hz;

    if (kind->event == SEGMENT_EVENT_CPU)
        return INT64_C(1000000000) / (hz ? hz : 1);
    if ((profile_kind_is_heap(kind) || profile_kind_is_peak(kind)) &&
        SEGMENT_MODE_OF(mode) == SEGMENT_MODE_SAMPLE)
        return (int64_t)SEGMENT_SAMPLE_SIZE_OF(mode);
    return 1;
}

static void fill(struct builder *builder)
{
    const struct segment_snapshot *snapshot = builder->snapshot;
    struct profile *profile = builder->build.profile;
    int64_t values[PROFILE_VALUES_MAX];

    profile->pid = snapshot->header.pid;
    profile->time_ns = snapshot->taken_ns;
    profile->period = period_of(snapshot, profile->kind);
    profile->program =
        profile_copy_text(&builder->build, snapshot->header.program);
    builder->views = segment_module_views(snapshot);
    if (!builder->views) {
        builder->build.failed = true;
        return;
    }
    add_main_mapping(builder);
    for (uint32_t id = 1;
         id < snapshot->callsite_count && !builder->build.failed; id++)
        if (read_values(builder, id, values))
            add_sample(builder, id, values);
    add_comments(builder);
}

struct profile *profile_from_callsites(const struct segment_snapshot *snapshot,
                                       struct symbolizer *symbolizer,
                                       const struct profile_kind *kind,
                                       const bool *wanted)
{
    size_t slots = 1024;
    struct profile *profile = calloc(1, sizeof(*profile));
    struct builder builder = {
        .snapshot = snapshot,
        .symbolizer = symbolizer,
        .wanted = wanted,
        .build.profile = profile,
        .next_address = SEGMENT_ADDRESS_MAX + PLACE_OTHERS,
    };

    while (slots < 2 * (size_t)snapshot->node_count)
        slots *= 2;
    builder.slot_mask = slots - 1;
    builder.slots = calloc(slots, sizeof(*builder.slots));
    builder.modules =
        calloc(snapshot->module_count + 1u, sizeof(*builder.modules));
    builder.mappings =
        calloc(snapshot->module_count + 1u, sizeof(*builder.mappings));
    if (profile) {
        profile->kind = kind;
        profile->mappings =
            calloc(snapshot->module_count + 1u, sizeof(*profile->mappings));
        profile->samples =
            calloc(snapshot->callsite_count + 1u, sizeof(*profile->samples));
    }
    builder.build.failed = !builder.slots || !builder.modules ||
                           !builder.mappings || !profile ||
                           !profile->mappings || !profile->samples ||
                           profile_labels_begin(&builder.labels, snapshot) != 0;
    if (!builder.build.failed)
        fill(&builder);
    free(builder.slots);
    free(builder.views);
    free(builder.modules);
    free(builder.mappings);
    profile_labels_end(&builder.labels);
    if (!builder.build.failed)
        return profile;
    profile_free(profile);
    return NULL;
}

struct profile *profile_from_segment(const struct segment_snapshot *snapshot,
                                     struct symbolizer *symbolizer,
                                     const struct profile_kind *kind)
{
    struct profile *profile =
        profile_from_callsites(snapshot, symbolizer, kind, NULL);

    if (!profile || profile_merge(profile) == 0)
        return profile;
    profile_free(profile);
    return NULL;
}
