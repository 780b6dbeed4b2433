/* SPDX-License-Identifier: MIT */
/* segment_modules.c - see segment_modules.h. */
#include "segment_modules.h"

#include <string.h>

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
