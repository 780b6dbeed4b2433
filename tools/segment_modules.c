/* SPDX-License-Identifier: MIT */
/* segment_modules.c - see segment_modules.h. */
#include "segment_modules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "segment_check.h"

/* Addresses of programs have so many bits, or a few more. */
#define ADDRESS_BITS 47

const struct segment_module *
segment_module_find(const struct segment_snapshot *snapshot, uint64_t address)
{
    for (uint32_t i = snapshot->module_count; i-- > 0;)
        if (address >= snapshot->modules[i].start &&
            address < snapshot->modules[i].end)
            return &snapshot->modules[i];
    return NULL;
}

char *segment_module_path(const struct segment_snapshot *snapshot,
                          const struct segment_module *module)
{
    return strndup(snapshot->strings + module->path, module->path_length);
}

struct symbol_module_key
segment_module_key(const struct segment_snapshot *snapshot,
                   const struct segment_module *module, const char *path)
{
    return (struct symbol_module_key){
        .path = path,
        .build_id = module->build_id_length ? module->build_id : NULL,
        .build_id_length = module->build_id_length,
        .bias = module->bias,
        .pid = snapshot->life == SEGMENT_LIFE_LIVE ? snapshot->header.pid : 0,
        .mapped_ns = snapshot->header.created_ns,
    };
}

/* Code without a build id may be other code, whatever its path. */
static bool is_same(const struct segment_snapshot *snapshot,
                    const struct segment_module *a,
                    const struct segment_module *b)
{
    return a->start == b->start && a->end == b->end &&
           a->text_offset == b->text_offset && a->build_id_length > 0 &&
           a->build_id_length == b->build_id_length &&
           memcmp(a->build_id, b->build_id, a->build_id_length) == 0 &&
           a->path_length == b->path_length &&
           memcmp(snapshot->strings + a->path, snapshot->strings + b->path,
                  a->path_length) == 0;
}

static bool overlap(const struct segment_module *a,
                    const struct segment_module *b)
{
    return a->start < b->end && b->start < a->end;
}

struct segment_module_view *
segment_module_views(const struct segment_snapshot *snapshot)
{
    const struct segment_module *modules = snapshot->modules;
    uint32_t count = snapshot->module_count, first_count = 0;
    struct segment_module_view *views = calloc(count + 1u, sizeof(*views));
    uint32_t *firsts = calloc(count + 1u, sizeof(*firsts));

    for (uint32_t i = 0; views && firsts && i < count; i++) {
        views[i].first = i;
        for (uint32_t j = 0; j < first_count; j++) {
            uint32_t first = firsts[j];

            if (is_same(snapshot, &modules[first], &modules[i])) {
                views[i] = views[first];
                break;
            }
            if (overlap(&modules[first], &modules[i]))
                views[i].shift =
                    SEGMENT_ADDRESS_MAX + ((uint64_t)(i + 1) << ADDRESS_BITS);
        }
        if (views[i].first == i)
            firsts[first_count++] = i;
    }
    if (!firsts) {
        free(views);
        views = NULL;
    }
    free(firsts);
    return views;
}
