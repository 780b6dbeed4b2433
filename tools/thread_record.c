/* SPDX-License-Identifier: MIT */
/* thread_record.c - see thread_record.h. */
#include "thread_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment_find.h"
#include "segment_modules.h"

#define NS_PER_S UINT64_C(1000000000)

/* ---- records ----------------------------------------------------------- */

/* The i-th record of a thread id; NULL when it is another's. */
static const struct segment_thread *
record_of(const struct segment_snapshot *snapshot, uint32_t tid, uint32_t i)
{
    const struct segment_thread *record =
        &snapshot->threads[(tid + i) % SEGMENT_THREADS_MAX];

    return SEGMENT_THREAD_TID(record->who) == tid ? record : NULL;
}

static uint64_t ticks_of(uint64_t ns)
{
    return ns / (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint32_t thread_record_creation(const struct segment_snapshot *snapshot,
                                uint32_t tid, uint64_t start_ticks)
{
    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++) {
        const struct segment_thread *record = record_of(snapshot, tid, i);
        uint32_t callsite = record ? SEGMENT_THREAD_CALLSITE(record->who) : 0;

        if (callsite && callsite < snapshot->callsite_count &&
            snapshot->callsites[callsite].node &&
            ticks_of(record->created_ns) >= start_ticks)
            return callsite;
    }
    return 0;
}

uint32_t thread_record_labels(const struct segment_snapshot *snapshot,
                              uint32_t tid, uint64_t start_ticks)
{
    uint64_t latest = 0;
    uint32_t set;

    for (uint32_t i = 0; i < SEGMENT_THREAD_PLACES; i++) {
        const struct segment_thread *record = record_of(snapshot, tid, i);

        if (record && record->labels > latest &&
            ticks_of(SEGMENT_THREAD_LABELS_NS(record->labels)) >= start_ticks)
            latest = record->labels;
    }
    set = SEGMENT_THREAD_LABELS_SET(latest);
    return set < snapshot->label_count && snapshot->labels[set].value_length
               ? set
               : 0;
}

/* ---- stacks ------------------------------------------------------------ */

static int copy_stack(const struct segment_snapshot *snapshot,
                      uint32_t callsite, struct thread *thread)
{
    uint32_t node = snapshot->callsites[callsite].node;
    uint32_t depth = snapshot->callsites[callsite].depth;

    thread->creation = calloc(depth, sizeof(*thread->creation));
    if (!thread->creation)
        return -ENOMEM;
    for (uint32_t i = 0; i < depth; i++) {
        const struct segment_node *frame = &snapshot->nodes[node];

        thread->creation[i] =
            frame->pc - !(frame->flags & SEGMENT_NODE_EXACT_PC);
        node = frame->parent;
    }
    thread->creation_depth = depth;
    return 0;
}

/* Nothing is to be found where there are no labels. */
static int add_records(struct thread_dump *dump,
                       const struct segment_snapshot *snapshot, bool creation)
{
    char path[32];
    int process, err = 0;

    if (!creation && snapshot->label_count == 1)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d", (int)dump->pid);
    process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process < 0)
        return 0; /* it has ended */
    for (size_t i = 0; !err && i < dump->count; i++) {
        struct thread *thread = &dump->threads[i];
        uint32_t tid = (uint32_t)thread->tid, callsite = 0;
        uint64_t start;

        if (thread_start_read(process, thread->tid, &start) != 0)
            continue;
        thread->labels = thread_record_labels(snapshot, tid, start);
        if (creation)
            callsite = thread_record_creation(snapshot, tid, start);
        if (callsite)
            err = copy_stack(snapshot, callsite, thread);
    }
    close(process);
    return err;
}

/* ---- modules ----------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const struct thread_module *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

static bool copy_module(const struct segment_snapshot *snapshot,
                        const struct segment_module *from,
                        struct thread_module *to)
{
    *to = (struct thread_module){
        .start = from->start,
        .end = from->end,
        .text_start = from->text_start,
        .text_end = from->text_end,
        .text_offset = from->text_offset,
        .bias = from->bias,
        .build_id_length = from->build_id_length,
        .path = segment_module_path(snapshot, from),
    };
    memcpy(to->build_id, from->build_id, from->build_id_length);
    return to->path;
}

/* Those that the segment knows, where the process shows none. */
static int add_modules(struct thread_dump *dump,
                       const struct segment_snapshot *snapshot)
{
    struct thread_modules *modules = &dump->modules;
    uint64_t main_start = 0;

    modules->list = calloc(snapshot->module_count + 1, sizeof(*modules->list));
    if (!modules->list)
        return -ENOMEM;
    for (uint32_t i = 0; i < snapshot->module_count; i++) {
        const struct segment_module *module = &snapshot->modules[i];

        if (module->end == 0 ||
            segment_module_find(snapshot, module->start) != module)
            continue; /* gone, and another is in its place */
        if (!copy_module(snapshot, module, &modules->list[modules->count]))
            return -ENOMEM;
        modules->count++;
        if (module->flags & SEGMENT_MODULE_MAIN)
            main_start = module->start;
    }
    qsort(modules->list, modules->count, sizeof(*modules->list), by_start);
    while (modules->main < modules->count &&
           modules->list[modules->main].start != main_start)
        modules->main++;
    return 0;
}

/* ---- all of it --------------------------------------------------------- */

int thread_record_add(struct thread_dump *dump, const char *directory,
                      bool creation)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    char path[PATH_MAX];
    int err = segment_find(directory, (uint32_t)dump->pid, path, &error);

    creation |= dump->refusal != NULL;
    if (!err)
        err = segment_read(path,
                           creation ? SEGMENT_READ_THREADS | SEGMENT_READ_STACKS
                                    : SEGMENT_READ_THREADS,
                           &snapshot, &error);
    if (err)
        return err == -ENOMEM ? err : 0;
    if (snapshot->life == SEGMENT_LIFE_LIVE)
        err = add_records(dump, snapshot, creation);
    if (!err && dump->refusal && !dump->modules.list)
        err = add_modules(dump, snapshot);
    dump->snapshot = snapshot;
    return err;
}
