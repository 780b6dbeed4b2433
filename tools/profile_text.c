/* SPDX-License-Identifier: MIT */
/*
 * profile_text.c - see profile_text.h.
 *
 * Columns as Go's text/tabwriter makes them: cells are padded with tabs to the
 * widest of their block, one column wider than the text, tab stops every 8.
 */
#include "profile_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "label_text.h"
#include "process_memstats.h"

#define TAB 8

/* ---- one stack --------------------------------------------------------- */

/* A name of ours for an address of which nothing is known: "[libx.so+0x12]". */
static bool is_named(const struct profile_line *line)
{
    return line->function[0] != '[';
}

static int address_width(const struct profile_location *location)
{
    return snprintf(NULL, 0, "%#" PRIx64, location->address);
}

static int name_width(const struct profile_location *location,
                      const struct profile_line *line)
{
    int width = (int)strlen(line->function);

    if (is_named(line))
        width += snprintf(NULL, 0, "+%#" PRIx64, location->offset);
    return width;
}

static void pad(int width, int widest, FILE *out)
{
    int column = (widest + 1 + TAB - 1) / TAB * TAB;

    for (int i = 0; i < (column - width + TAB - 1) / TAB; i++)
        putc('\t', out);
}

struct widths {
    int address, name;
};

static struct widths measure(const struct profile *profile,
                             const struct profile_sample *sample)
{
    struct widths widest = {0, 0};

    for (size_t i = 0; i < sample->depth; i++) {
        const struct profile_location *location =
            &profile->locations[sample->locations[i]];

        if (address_width(location) > widest.address)
            widest.address = address_width(location);
        for (size_t j = 0; j < location->line_count; j++)
            if (name_width(location, &location->lines[j]) > widest.name)
                widest.name = name_width(location, &location->lines[j]);
    }
    return widest;
}

static void write_line(const struct profile_location *location,
                       const struct profile_line *line, struct widths widths,
                       FILE *out)
{
    fprintf(out, "#\t%#" PRIx64, location->address);
    pad(address_width(location), widths.address, out);
    fputs(line->function, out);
    if (is_named(line))
        fprintf(out, "+%#" PRIx64, location->offset);
    if (line->file[0]) {
        pad(name_width(location, line), widths.name, out);
        fprintf(out, "%s:%" PRIu32, line->file, line->line);
    }
    putc('\n', out);
}

static void write_labels(const struct profile *profile,
                         const struct profile_sample *sample, FILE *out)
{
    struct profile_label_set set = profile_labels(profile, sample);

    if (set.count == 0)
        return;
    fputs("# labels: ", out);
    label_text_write(set, out);
    putc('\n', out);
}

/* The addresses of the parsed line are return addresses, those of the lines
 * for people are one less, as a location's. */
static void write_stack(const struct profile *profile,
                        const struct profile_sample *sample, FILE *out)
{
    struct widths widths = measure(profile, sample);

    fputs(" @", out);
    for (size_t i = 0; i < sample->depth; i++)
        fprintf(out, " %#" PRIx64,
                profile->locations[sample->locations[i]].address + 1);
    putc('\n', out);
    write_labels(profile, sample, out);
    for (size_t i = 0; i < sample->depth; i++) {
        const struct profile_location *location =
            &profile->locations[sample->locations[i]];

        for (size_t j = 0; j < location->line_count; j++)
            write_line(location, &location->lines[j], widths, out);
    }
    putc('\n', out);
}

void profile_text_write_comments(const struct profile *profile, FILE *out)
{
    for (size_t i = 0; i < profile->comment_count; i++)
        fprintf(out, "# %s\n", profile->comments[i]);
}

/* ---- the kinds --------------------------------------------------------- */

static void write_heap_counts(const char *before, const int64_t *values,
                              int64_t added, FILE *out)
{
    fprintf(out, "%s%" PRId64 ": %" PRId64 " [%" PRId64 ": %" PRId64 "]",
            before, values[PROFILE_INUSE_OBJECTS], values[PROFILE_INUSE_SPACE],
            values[PROFILE_ALLOC_OBJECTS], values[PROFILE_ALLOC_SPACE] + added);
}

/* As Go does, one byte more where nothing was freed yet: pprof takes a head
 * with equal pairs for a profile that has only one. */
static void write_heap_head(const struct profile *profile, const char *type,
                            FILE *out)
{
    const int64_t *total = profile->total;
    bool equal = total[PROFILE_INUSE_OBJECTS] == total[PROFILE_ALLOC_OBJECTS] &&
                 total[PROFILE_INUSE_SPACE] == total[PROFILE_ALLOC_SPACE] &&
                 total[PROFILE_ALLOC_SPACE] < INT64_MAX;

    write_heap_counts("heap profile: ", total, equal, out);
    fprintf(out, " @ %s\n", type);
}

static int by_inuse(const void *a, const void *b)
{
    const struct profile_sample *x = *(const struct profile_sample *const *)a;
    const struct profile_sample *y = *(const struct profile_sample *const *)b;

    for (int i = PROFILE_INUSE_SPACE; i >= 0; i -= 2)
        if (x->values[i] != y->values[i])
            return x->values[i] < y->values[i] ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* Two values by the second: delay or bytes; those without by their count. */
static int by_pair(const void *a, const void *b)
{
    const struct profile_sample *x = *(const struct profile_sample *const *)a;
    const struct profile_sample *y = *(const struct profile_sample *const *)b;

    for (int i = PROFILE_DELAY; i >= PROFILE_CONTENTIONS; i--)
        if (x->values[i] != y->values[i])
            return x->values[i] < y->values[i] ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The samples in order, to be freed by the caller; NULL when memory is
 * short. */
static const struct profile_sample **sort_samples(const struct profile *profile,
                                                  int (*compare)(const void *,
                                                                 const void *))
{
    const struct profile_sample **order =
        calloc(profile->sample_count + 1, sizeof(*order));

    if (!order)
        return NULL;
    for (size_t i = 0; i < profile->sample_count; i++)
        order[i] = &profile->samples[i];
    qsort(order, profile->sample_count, sizeof(*order), compare);
    return order;
}

/* That the pairs are equal is how pprof knows that there is only one. */
static void write_pair_twice(const int64_t *values, FILE *out)
{
    fprintf(out, "%" PRId64 ": %" PRId64 " [%" PRId64 ": %" PRId64 "]",
            values[PROFILE_PEAK_OBJECTS], values[PROFILE_PEAK_SPACE],
            values[PROFILE_PEAK_OBJECTS], values[PROFILE_PEAK_SPACE]);
}

static int write_peak(const struct profile *profile, FILE *out)
{
    const struct profile_sample **order = sort_samples(profile, by_pair);

    if (!order)
        return -ENOMEM;
    fputs("heap profile: ", out);
    write_pair_twice(profile->total, out);
    fputs(" @ heap/2\n", out);
    profile_text_write_comments(profile, out);
    for (size_t i = 0; i < profile->sample_count; i++) {
        write_pair_twice(order[i]->values, out);
        write_stack(profile, order[i], out);
    }
    free(order);
    return 0;
}

static int write_heap(const struct profile *profile, const char *type,
                      FILE *out)
{
    const struct profile_sample **order = sort_samples(profile, by_inuse);

    if (!order)
        return -ENOMEM;
    write_heap_head(profile, type, out);
    profile_text_write_comments(profile, out);
    for (size_t i = 0; i < profile->sample_count; i++) {
        write_heap_counts("", order[i]->values, 0, out);
        write_stack(profile, order[i], out);
    }
    free(order);
    return 0;
}

/* With a cycle of a nanosecond, cycles are nanoseconds. */
static void write_events_head(const struct profile *profile, FILE *out)
{
    const char *name = profile->kind->name;

    if (strcmp(name, "mutex") == 0)
        fputs("--- mutex:\ncycles/second=1000000000\nsampling period=1\n", out);
    else if (strcmp(name, "block") == 0)
        fputs("--- contention:\ncycles/second=1000000000\n", out);
    else
        fprintf(out, "%s profile: total %" PRId64 "\n", name,
                profile->total[PROFILE_CONTENTIONS]);
}

static int write_events(const struct profile *profile, FILE *out)
{
    const struct profile_sample **order = sort_samples(profile, by_pair);

    if (!order)
        return -ENOMEM;
    write_events_head(profile, out);
    profile_text_write_comments(profile, out);
    for (size_t i = 0; i < profile->sample_count; i++) {
        const int64_t *values = order[i]->values;

        if (profile->kind->value_count > PROFILE_DELAY)
            fprintf(out, "%" PRId64 " ", values[PROFILE_DELAY]);
        fprintf(out, "%" PRId64, values[PROFILE_CONTENTIONS]);
        write_stack(profile, order[i], out);
    }
    free(order);
    return 0;
}

int profile_text_write(const struct profile *profile,
                       const struct process_memstats *stats, FILE *out)
{
    int err = 0;

    if (profile_kind_is_heap(profile->kind)) {
        err = write_heap(profile, "heap/2", out);
        if (!err && stats)
            process_memstats_write_text(stats, out);
    } else if (profile_kind_is_peak(profile->kind)) {
        err = write_peak(profile, out);
    } else {
        err = write_events(profile, out);
    }
    return !err && ferror(out) ? -EIO : err;
}

int profile_text_write_mappings(const struct profile *profile, FILE *out)
{
    fputs("\nMAPPED_LIBRARIES:\n", out);
    for (size_t i = 0; i < profile->mapping_count; i++) {
        const struct profile_mapping *mapping = &profile->mappings[i];

        fprintf(out,
                "%08" PRIx64 "-%08" PRIx64 " r-xp %08" PRIx64 " 00:00 0 %s\n",
                mapping->start, mapping->limit, mapping->offset, mapping->file);
    }
    return ferror(out) ? -EIO : 0;
}

int profile_text_write_gperftools(const struct profile *profile, FILE *out)
{
    int err = write_heap(profile, "heapprofile", out);

    return err ? err : profile_text_write_mappings(profile, out);
}
