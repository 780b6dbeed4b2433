/* SPDX-License-Identifier: MIT */
/* profile_gperftools.c - see profile_gperftools.h. */
#include "profile_gperftools.h"

#include <errno.h>
#include <stdint.h>

#include "profile_text.h"

static void write_words(const uint64_t *words, size_t count, FILE *out)
{
    fwrite(words, sizeof(*words), count, out);
}

/* The leaf's address is that of an instruction; the others are return
 * addresses, one more than a location's. */
static void write_sample(const struct profile *profile,
                         const struct profile_sample *sample, FILE *out)
{
    const uint64_t head[] = {(uint64_t)sample->values[PROFILE_CONTENTIONS],
                             sample->depth};

    write_words(head, 2, out);
    for (size_t i = 0; i < sample->depth; i++) {
        uint64_t address =
            profile->locations[sample->locations[i]].address + (i > 0);

        write_words(&address, 1, out);
    }
}

int profile_gperftools_write(const struct profile *profile, FILE *out)
{
    /* no samples; words behind these two; version; µs; nothing */
    const uint64_t head[] = {0, 3, 0, (uint64_t)profile->period / 1000, 0};
    const uint64_t end[] = {0, 1, 0};

    write_words(head, 5, out);
    for (size_t i = 0; i < profile->sample_count; i++)
        if (profile->samples[i].values[PROFILE_CONTENTIONS] > 0)
            write_sample(profile, &profile->samples[i], out);
    write_words(end, 3, out);
    profile_text_write_comments(profile, out);
    return profile_text_write_mappings(profile, out);
}
