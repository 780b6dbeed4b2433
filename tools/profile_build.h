/* SPDX-License-Identifier: MIT */
/*
 * profile_build.h - the pieces a profile is put together from.
 *
 * Whatever a profile is made of, its texts are cleaned here and its lists grow
 * here. All of it records in `failed` that memory was short, so that callers
 * look once, at the end. Read next: profile_from_segment.c.
 */
#ifndef PREPROF_PROFILE_BUILD_H
#define PREPROF_PROFILE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"
#include "symbolize.h"

struct profile_builder {
    struct profile *profile;
    size_t locations_room;
    bool failed; /* memory was short */
};

/* A cleaned copy (printable.h), which the profile then owns; NULL when memory
 * is short. */
char *profile_copy_text(struct profile_builder *builder, const char *text);

void profile_add_comment(struct profile_builder *builder, const char *format,
                         ...) __attribute__((format(printf, 2, 3)));

/* A new location without lines; NULL when memory is short. */
struct profile_location *profile_add_location(struct profile_builder *builder,
                                              uint64_t address,
                                              uint32_t mapping);

/* The lines of a location that has none, innermost first. */
void profile_add_lines(struct profile_builder *builder,
                       struct profile_location *location,
                       const struct symbol_frame *frames, size_t count);

/* Its lines from the symbols at the address it was looked up by; where there
 * are none, or no module, one line like "[libx.so+0x12]". The offset there is
 * `address` less `bias`. */
void profile_symbolize(struct profile_builder *builder,
                       struct profile_location *location,
                       struct symbol_module *module, uint64_t address,
                       uint64_t bias);

#endif
