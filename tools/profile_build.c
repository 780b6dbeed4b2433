/* SPDX-License-Identifier: MIT */
/* profile_build.c - see profile_build.h. */
#include "profile_build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

char *profile_copy_text(struct profile_builder *builder, const char *text)
{
    char *copy = strdup(text);

    if (copy)
        printable_clean(copy, strlen(copy));
    else
        builder->failed = true;
    return copy;
}

void profile_add_comment(struct profile_builder *builder, const char *format,
                         ...)
{
    struct profile *profile = builder->profile;
    char **grown = realloc(profile->comments,
                           (profile->comment_count + 1) * sizeof(*grown));
    char *text = NULL;
    va_list args;

    if (!grown) {
        builder->failed = true;
        return;
    }
    profile->comments = grown;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (!text) {
        builder->failed = true;
        return;
    }
    printable_clean(text, strlen(text));
    grown[profile->comment_count++] = text;
}

struct profile_location *profile_add_location(struct profile_builder *builder,
                                              uint64_t address,
                                              uint32_t mapping)
{
    struct profile *profile = builder->profile;

    if (profile->location_count == builder->locations_room) {
        size_t room =
            builder->locations_room ? 2 * builder->locations_room : 1024;
        void *grown =
            realloc(profile->locations, room * sizeof(*profile->locations));

        if (!grown) {
            builder->failed = true;
            return NULL;
        }
        profile->locations = grown;
        builder->locations_room = room;
    }
    profile->locations[profile->location_count] =
        (struct profile_location){.address = address, .mapping = mapping};
    return &profile->locations[profile->location_count++];
}

void profile_add_lines(struct profile_builder *builder,
                       struct profile_location *location,
                       const struct symbol_frame *frames, size_t count)
{
    location->lines = calloc(count, sizeof(*location->lines));
    if (!location->lines) {
        builder->failed = true;
        return;
    }
    location->line_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *file = frames[i].file ? frames[i].file : "";

        location->lines[i] = (struct profile_line){
            .function = profile_copy_text(builder, frames[i].function),
            .system_name = profile_copy_text(builder, frames[i].system_name),
            .file = profile_copy_text(builder, file),
            .line = frames[i].line,
            .start_line = frames[i].start_line,
        };
    }
}

void profile_symbolize(struct profile_builder *builder,
                       struct profile_location *location,
                       struct symbol_module *module, uint64_t address,
                       uint64_t bias)
{
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    char name[64 + 256];
    size_t count = 0;

    if (location->mapping) {
        const char *path =
            builder->profile->mappings[location->mapping - 1].file;
        const char *slash = strrchr(path, '/');

        if (module)
            count = symbol_module_frames(module, address, frames,
                                         SYMBOL_FRAMES_MAX);
        snprintf(name, sizeof(name), "[%.255s+0x%" PRIx64 "]",
                 slash ? slash + 1 : path, address - bias);
    } else {
        snprintf(name, sizeof(name), "[0x%" PRIx64 "]", address);
    }
    location->offset = count ? frames[count - 1].offset : 0;
    if (count == 0) {
        frames[0] =
            (struct symbol_frame){.function = name, .system_name = name};
        count = 1;
    }
    profile_add_lines(builder, location, frames, count);
}
