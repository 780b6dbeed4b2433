/* SPDX-License-Identifier: MIT */
/* segment_check.c - see segment_check.h. */
#include "segment_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "segment_read.h"

#define HEADER_OFFSET(field) offsetof(struct segment_header, field)

/* ---- header ------------------------------------------------------------ */

/* What a file is comes first: a short one of another kind is not a truncated
 * segment. */
static int check_version(const struct segment_header *header,
                         uint64_t file_size, struct segment_error *error)
{
    const char *age;

    if (memcmp(header->magic, SEGMENT_MAGIC, sizeof(header->magic)) != 0)
        return segment_error_set(error, -EINVAL, HEADER_OFFSET(magic),
                                 "not a preprof segment");
    if (file_size < sizeof(*header))
        return segment_error_set(error, -EINVAL, file_size,
                                 "truncated: the file ends here");
    if (header->byte_order == __builtin_bswap32(SEGMENT_BYTE_ORDER))
        return segment_error_set(error, -EPROTONOSUPPORT,
                                 HEADER_OFFSET(byte_order),
                                 "written by a machine of another byte order");
    if (header->byte_order != SEGMENT_BYTE_ORDER)
        return segment_error_set(error, -EINVAL, HEADER_OFFSET(byte_order),
                                 "unknown byte order 0x%" PRIx32,
                                 header->byte_order);
    if (header->version != SEGMENT_VERSION) {
        age = header->version < SEGMENT_VERSION ? "older" : "newer";
        return segment_error_set(
            error, -EPROTONOSUPPORT, HEADER_OFFSET(version),
            "segment version %u is %s than this tool, which reads version %u: "
            "use the tools of the preprof that recorded it",
            header->version, age, SEGMENT_VERSION);
    }
    if (header->header_size != sizeof(*header)) {
        age = header->header_size < sizeof(*header) ? "older" : "newer";
        return segment_error_set(
            error, -EPROTONOSUPPORT, HEADER_OFFSET(header_size),
            "a header of %u bytes is %s than this tool, which reads %zu: "
            "use the tools of the preprof that recorded it",
            header->header_size, age, sizeof(*header));
    }
    return 0;
}

static int check_limits(const struct segment_header *header,
                        struct segment_error *error)
{
    const uint32_t modes_max = 1u << SEGMENT_MODE_OFF |
                               1u << SEGMENT_MODE_SAMPLE |
                               1u << SEGMENT_MODE_EXACT;
#define LIMIT(field, min, max)                                                 \
    {                                                                          \
#field, HEADER_OFFSET(field), header->field, min, max                  \
    }
    const struct {
        const char *name;
        uint64_t offset;
        uint32_t value, min, max;
    } limits[] = {
        LIMIT(extents_max, 0, SEGMENT_EXTENTS_MAX),
        LIMIT(pid, 1, INT32_MAX),
        LIMIT(modes_used, 0, modes_max),
        LIMIT(status, SEGMENT_OK, SEGMENT_SANITIZER),
        LIMIT(state, SEGMENT_LIVE, SEGMENT_EXITED),
        LIMIT(extents_used, 0, header->extents_max),
        LIMIT(callsites_used, SEGMENT_SINK_COUNT, SEGMENT_CALLSITES_MAX),
        LIMIT(nodes_used, 1, SEGMENT_NODES_MAX),
        LIMIT(modules_used, 0, SEGMENT_MODULES_MAX),
        LIMIT(strings_used, 0, SEGMENT_STRINGS_MAX),
        LIMIT(shards_used, 0, SEGMENT_SHARDS_MAX),
        LIMIT(labels_used, 1, SEGMENT_LABELS_MAX),
    };
#undef LIMIT

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (limits[i].value < limits[i].min || limits[i].value > limits[i].max)
            return segment_error_set(
                error, -EINVAL, limits[i].offset, "%s is %u, not %u to %u",
                limits[i].name, limits[i].value, limits[i].min, limits[i].max);
    if (SEGMENT_MODE_OF(header->mode) > SEGMENT_MODE_EXACT)
        return segment_error_set(error, -EINVAL, HEADER_OFFSET(mode),
                                 "unknown mode 0x%" PRIx64, header->mode);
    return 0;
}

int segment_check_header(struct segment_header *header, uint64_t file_size,
                         struct segment_error *error)
{
    uint64_t needed;
    int err = check_version(header, file_size, error);

    if (!err)
        err = check_limits(header, error);
    if (err)
        return err;
    needed = segment_extent_offset(header->extents_used);
    if (file_size < needed)
        return segment_error_set(error, -EINVAL, HEADER_OFFSET(extents_used),
                                 "truncated: %u extents need %" PRIu64
                                 " bytes, the file has %" PRIu64,
                                 header->extents_used, needed, file_size);

#define TERMINATE(text) (text)[sizeof(text) - 1] = '\0'
    TERMINATE(header->program);
    TERMINATE(header->allocator);
    TERMINATE(header->version_text);
    TERMINATE(header->note);
    TERMINATE(header->executable);
    TERMINATE(header->output);
#undef TERMINATE
    return 0;
}

/* ---- modules ----------------------------------------------------------- */

/* The first thing that is wrong with a module, and the field it is in. */
static const char *module_fault(const struct segment_module *module,
                                const char *strings, uint32_t strings_size,
                                size_t *field)
{
#define FAULT(name, why) (*field = offsetof(struct segment_module, name), why)
    if (module->start >= module->end)
        return FAULT(start, "it ends before it starts");
    if (module->end > SEGMENT_ADDRESS_MAX)
        return FAULT(end, "it ends above the address space");
    if (module->text_end != 0 &&
        (module->text_start >= module->text_end ||
         module->text_start < module->start || module->text_end > module->end))
        return FAULT(text_start, "its code is outside of it");
    if (module->text_offset > INT64_MAX)
        return FAULT(text_offset, "its code is nowhere in a file");
    if ((uint64_t)module->path + module->path_length > strings_size)
        return FAULT(path, "its path is outside the strings");
    if (module->path_length >= PATH_MAX)
        return FAULT(path_length, "its path is too long");
    if (memchr(strings + module->path, '\0', module->path_length))
        return FAULT(path, "its path has a NUL in it");
    if (module->build_id_length > sizeof(module->build_id))
        return FAULT(build_id_length, "its build id is too long");
#undef FAULT
    return NULL;
}

int segment_check_modules(const struct segment_snapshot *snapshot,
                          const struct segment_extents *extents,
                          struct segment_error *error)
{
    for (uint32_t i = 0; i < snapshot->module_count; i++) {
        const struct segment_module *module = &snapshot->modules[i];
        size_t field = 0;
        const char *fault;

        if (module->end == 0)
            continue;
        fault = module_fault(module, snapshot->strings,
                             snapshot->header.strings_used, &field);
        if (fault)
            return segment_error_set(
                error, -EINVAL,
                segment_element_offset(extents, SEGMENT_EXTENT_MODULES, i) +
                    field,
                "module %u: %s", i, fault);
    }
    return 0;
}

/* ---- labels ------------------------------------------------------------ */

static bool is_greater(const struct segment_label *label,
                       const struct segment_label *than)
{
    return segment_key_order(label->text, label->key_length, than->text,
                             than->key_length) > 0;
}

/* The first thing that is wrong with a label whose parents are sound, and the
 * field it is in. *count, of labels in its set, is one more than its
 * parent's. */
static const char *label_fault(const struct segment_snapshot *snapshot,
                               uint32_t id, uint8_t *counts, size_t *field)
{
    const struct segment_label *label = &snapshot->labels[id];

#define FAULT(name, why) (*field = offsetof(struct segment_label, name), why)
    if (label->key_length == 0 ||
        label->key_length + label->value_length > SEGMENT_LABEL_TEXT_MAX)
        return FAULT(key_length, "its text is empty, or too long");
    if (memchr(label->text, '\0', label->key_length + label->value_length))
        return FAULT(text, "its text has a NUL in it");
    if (label->parent >= id || (label->parent && counts[label->parent] == 0))
        return FAULT(parent, "its parent is not there");
    if (label->parent && !is_greater(label, &snapshot->labels[label->parent]))
        return FAULT(parent, "its parent's key is not a lesser one");
    if (counts[label->parent] == SEGMENT_LABEL_KEYS_MAX)
        return FAULT(parent, "its set has too many");
#undef FAULT
    counts[id] = counts[label->parent] + 1;
    return NULL;
}

int segment_check_labels(const struct segment_snapshot *snapshot,
                         const struct segment_extents *extents,
                         struct segment_error *error)
{
    uint8_t counts[SEGMENT_LABELS_MAX] = {0}; /* of labels in each's set */

    for (uint32_t i = 1; i < snapshot->label_count; i++) {
        size_t field = 0;
        const char *fault;

        if (snapshot->labels[i].value_length == 0)
            continue;
        fault = label_fault(snapshot, i, counts, &field);
        if (fault)
            return segment_error_set(
                error, -EINVAL,
                segment_element_offset(extents, SEGMENT_EXTENT_LABELS, i) +
                    field,
                "label %u: %s", i, fault);
    }
    return 0;
}

/* ---- stacks ------------------------------------------------------------ */

/* Whether a node's module is one that can be used. */
static bool has_sound_module(const struct segment_snapshot *snapshot,
                             const struct segment_node *node)
{
    return node->module == 0 || (node->module <= snapshot->module_count &&
                                 snapshot->modules[node->module - 1].end != 0);
}

/* Checks a node of labels, at the root of a stack. Returns 1 when they are
 * missing. */
static int check_root(const struct segment_snapshot *snapshot,
                      const struct segment_extents *extents, uint32_t node,
                      struct segment_error *error)
{
    const struct segment_node *root = &snapshot->nodes[node];
    bool known = root->pc < snapshot->label_count;

    if (known && !root->parent)
        return snapshot->labels[root->pc].value_length == 0;
    return segment_error_set(
        error, -EINVAL,
        segment_element_offset(extents, SEGMENT_EXTENT_NODES, node),
        known ? "node %u: labels that are not outermost"
              : "node %u: there are no such labels",
        node);
}

int segment_check_stack(const struct segment_snapshot *snapshot,
                        const struct segment_extents *extents,
                        uint32_t callsite, uint16_t *depths,
                        struct segment_error *error)
{
    const struct segment_callsite *leaf = &snapshot->callsites[callsite];
    uint64_t where =
        segment_element_offset(extents, SEGMENT_EXTENT_CALLSITES, callsite);
    uint32_t path[SEGMENT_DEPTH_MAX]; /* nodes not visited before */
    uint32_t length = 0, depth = 0;

    for (uint32_t node = leaf->node; node != 0;) {
        if (node >= snapshot->node_count)
            return segment_error_set(error, -EINVAL, where,
                                     "callsite %u: node %u is not below %u",
                                     callsite, node, snapshot->node_count);
        if (depths[node]) {
            depth = depths[node];
            break;
        }
        if (snapshot->nodes[node].pc == 0)
            return 1;
        if (snapshot->nodes[node].flags & SEGMENT_NODE_LABELS) {
            int err = check_root(snapshot, extents, node, error);

            if (err)
                return err;
            break;
        }
        if (!has_sound_module(snapshot, &snapshot->nodes[node]))
            return segment_error_set(
                error, -EINVAL,
                segment_element_offset(extents, SEGMENT_EXTENT_NODES, node),
                "node %u: there is no module %u", node,
                snapshot->nodes[node].module - 1u);
        if (length == SEGMENT_DEPTH_MAX)
            return segment_error_set(
                error, -EINVAL, where,
                "callsite %u: more than %u frames, or a cycle", callsite,
                SEGMENT_DEPTH_MAX);
        path[length++] = node;
        node = snapshot->nodes[node].parent;
    }
    while (length > 0)
        depths[path[--length]] = (uint16_t)++depth;
    if (depth == 0)
        return segment_error_set(error, -EINVAL, where,
                                 "callsite %u: labels without a stack",
                                 callsite);
    if (depth > SEGMENT_DEPTH_MAX || depth != leaf->depth)
        return segment_error_set(error, -EINVAL, where,
                                 "callsite %u: depth %u, but its stack has %u "
                                 "frames",
                                 callsite, leaf->depth, depth);
    return 0;
}
