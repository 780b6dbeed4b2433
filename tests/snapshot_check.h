/* SPDX-License-Identifier: MIT */
/*
 * snapshot_check.h - what segment_read.h promises of every snapshot, whatever
 * the file was, checked in the most obvious way.
 *
 * Must never call the reader's own checks. Read next: segment_read.h.
 */
#ifndef PREPROF_TESTS_SNAPSHOT_CHECK_H
#define PREPROF_TESTS_SNAPSHOT_CHECK_H

#include <limits.h>
#include <string.h>

#include "segment_read.h"

static inline const char *
snapshot_values_fault(const struct segment_values *values)
{
    if (values->alloc_objects > INT64_MAX || values->alloc_space > INT64_MAX)
        return "a value above INT64_MAX";
    if (values->inuse_objects > values->alloc_objects ||
        values->inuse_space > values->alloc_space)
        return "more in use than allocated";
    if (values->peak_objects > values->alloc_objects ||
        values->peak_space > values->alloc_space)
        return "more at the peak than allocated";
    if ((values->alloc_space && !values->alloc_objects) ||
        (values->inuse_space && !values->inuse_objects) ||
        (values->peak_space && !values->peak_objects))
        return "bytes without objects";
    return NULL;
}

static inline const char *
snapshot_events_fault(const struct segment_snapshot *snapshot, int event)
{
    const struct segment_event_row *rows = snapshot->events[event];
    uint32_t happened = 0;

    if (event == SEGMENT_EVENT_NONE && rows)
        return "events of no kind";
    for (uint32_t i = 0; rows && i < snapshot->callsite_count; i++) {
        if (rows[i].count > INT64_MAX || rows[i].delay_ns > INT64_MAX)
            return "an event's value above INT64_MAX";
        if (rows[i].delay_ns && !rows[i].count)
            return "a delay without an event";
        if (rows[i].count &&
            (i >= SEGMENT_SINK_COUNT ? !snapshot->callsites[i].node : i == 0))
            return "events without a stack";
        happened += rows[i].count != 0;
    }
    return happened == snapshot->event_callsites[event]
               ? NULL
               : "another count of callsites with events";
}

static inline const char *
snapshot_module_fault(const struct segment_snapshot *snapshot, uint32_t index)
{
    const struct segment_module *module = &snapshot->modules[index];

    if (module->end == 0)
        return NULL;
    if (module->start >= module->end || module->end > UINT64_C(1) << 60)
        return "a module's range";
    if (module->path_length >= PATH_MAX ||
        (uint64_t)module->path + module->path_length >
            snapshot->header.strings_used)
        return "a module's path";
    for (uint32_t i = 0; i < module->path_length; i++)
        if (snapshot->strings[module->path + i] == '\0')
            return "a NUL in a module's path";
    if (module->build_id_length > sizeof(module->build_id))
        return "a module's build id";
    return NULL;
}

static inline const char *
snapshot_label_fault(const struct segment_snapshot *snapshot, uint32_t index)
{
    const struct segment_label *label = &snapshot->labels[index];
    const struct segment_label *parent = &snapshot->labels[label->parent];
    char text[SEGMENT_LABEL_TEXT_MAX + 1] = "", last[sizeof(text)] = "";

    if (index == 0 || label->value_length == 0)
        return NULL;
    if (label->key_length == 0 ||
        label->key_length + label->value_length > SEGMENT_LABEL_TEXT_MAX)
        return "a label's text";
    if (label->parent >= index || (label->parent && !parent->value_length))
        return "a label's parent";
    memcpy(text, label->text, label->key_length);
    if (label->parent)
        memcpy(last, parent->text, parent->key_length);
    return strcmp(last, text) < 0 ? NULL : "a label's key";
}

static inline const char *
snapshot_stack_fault(const struct segment_snapshot *snapshot,
                     const struct segment_callsite *callsite)
{
    uint32_t depth = 0;

    for (uint32_t id = callsite->node; id != 0; depth++) {
        const struct segment_node *node = &snapshot->nodes[id];

        if (id >= snapshot->node_count || depth == SEGMENT_DEPTH_MAX)
            return "a stack without end";
        if (node->pc == 0)
            return "a stack over an unpublished node";
        if (node->flags & SEGMENT_NODE_LABELS) {
            if (node->parent || node->pc >= snapshot->label_count ||
                !snapshot->labels[node->pc].value_length || depth == 0)
                return "labels that are not there, or not outermost";
            break;
        }
        if (node->module > snapshot->module_count ||
            (node->module && snapshot->modules[node->module - 1].end == 0))
            return "a node in no module";
        id = node->parent;
    }
    return depth == callsite->depth ? NULL : "a depth that is not the stack's";
}

/* The first promise that a snapshot breaks, or NULL. */
static inline const char *
snapshot_fault(const struct segment_snapshot *snapshot, bool stacks)
{
    const char *fault = NULL;
    uint32_t recorded = 0;

    if (!memchr(snapshot->header.program, 0, sizeof(snapshot->header.program)))
        return "a program's name without end";
    if (snapshot->callsite_count < SEGMENT_SINK_COUNT)
        return "fewer callsites than sinks";
    for (uint32_t i = 0; !fault && i < snapshot->callsite_count; i++) {
        const struct segment_callsite *callsite = &snapshot->callsites[i];
        const struct segment_values *values = &snapshot->values[i];

        recorded += values->alloc_objects != 0;
        fault = snapshot_values_fault(values);
        if (i < SEGMENT_SINK_COUNT && callsite->node)
            fault = "a sink with a stack";
        if (i >= SEGMENT_SINK_COUNT && !callsite->node && values->alloc_objects)
            fault = "values without a stack";
        if (!fault && stacks && callsite->node)
            fault = snapshot_stack_fault(snapshot, callsite);
    }
    for (uint32_t i = 0; !fault && stacks && i < snapshot->module_count; i++)
        fault = snapshot_module_fault(snapshot, i);
    for (uint32_t i = 0; !fault && stacks && i < snapshot->label_count; i++)
        fault = snapshot_label_fault(snapshot, i);
    for (int event = 0; !fault && event < SEGMENT_EVENT_COUNT; event++)
        fault = snapshot_events_fault(snapshot, event);
    if (!fault)
        fault = snapshot_values_fault(&snapshot->total);
    if (!fault && snapshot->total.peak_space < snapshot->total.inuse_space)
        fault = "less at the peak than now";
    if (!fault && recorded != snapshot->recorded)
        fault = "another count of callsites with values";
    return fault;
}

#endif
