/* SPDX-License-Identifier: MIT */
/* profile_folded.c - see profile_folded.h. */
#include "profile_folded.h"

#include <errno.h>
#include <inttypes.h>

/* A ';' in a name would end the frame. */
static void write_name(const char *name, FILE *out)
{
    for (; *name; name++)
        putc(*name == ';' ? ':' : *name, out);
}

static void write_stack(const struct profile *profile,
                        const struct profile_sample *sample, FILE *out)
{
    const char *separator = "";

    for (size_t i = sample->depth; i-- > 0;) {
        const struct profile_location *location =
            &profile->locations[sample->locations[i]];

        for (size_t j = location->line_count; j-- > 0;) {
            fputs(separator, out);
            write_name(location->lines[j].function, out);
            separator = ";";
        }
    }
}

int profile_folded_write(const struct profile *profile, int value, FILE *out)
{
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];

        if (sample->values[value] == 0)
            continue;
        write_stack(profile, sample, out);
        fprintf(out, " %" PRId64 "\n", sample->values[value]);
    }
    return ferror(out) ? -EIO : 0;
}
