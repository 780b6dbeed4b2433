/* SPDX-License-Identifier: MIT */
/* profile_top.c - see profile_top.h. */
#include "profile_top.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hash_bytes.h"

struct entry {
    const char *name;
    int64_t flat, cum;
    size_t last_sample; /* index + 1 of the last one counted in cum */
};

struct table {
    struct entry *entries;
    size_t mask; /* open addressing by name */
};

static struct entry *entry_of(struct table *table, const char *name)
{
    for (size_t i = hash_bytes(name, strlen(name));; i++) {
        struct entry *entry = &table->entries[i & table->mask];

        if (!entry->name)
            entry->name = name;
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
}

/* Values may be absurd: a sum stops at the top. */
static void add(int64_t *sum, int64_t value)
{
    if (__builtin_add_overflow(*sum, value, sum))
        *sum = INT64_MAX;
}

static void add_sample(struct table *table, const struct profile *profile,
                       size_t index, enum profile_value value)
{
    const struct profile_sample *sample = &profile->samples[index];

    for (size_t i = 0; i < sample->depth; i++) {
        const struct profile_location *location =
            &profile->locations[sample->locations[i]];

        for (size_t j = 0; j < location->line_count; j++) {
            struct entry *entry = entry_of(table, location->lines[j].function);

            if (i == 0 && j == 0)
                add(&entry->flat, sample->values[value]);
            if (entry->last_sample != index + 1)
                add(&entry->cum, sample->values[value]);
            entry->last_sample = index + 1;
        }
    }
}

static int by_flat(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->flat != y->flat)
        return x->flat < y->flat ? 1 : -1;
    if (x->cum != y->cum)
        return x->cum < y->cum ? 1 : -1;
    return x->name && y->name ? strcmp(x->name, y->name) : !x->name - !y->name;
}

/* "1.23MB" as pprof writes it, or a plain count. */
static void format_value(char text[32], int64_t value,
                         const struct profile_type *type)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double scaled = (double)value;
    size_t unit = 0;

    if (strcmp(type->unit, "bytes") != 0) {
        snprintf(text, 32, "%" PRId64, value);
        return;
    }
    for (; scaled >= 1024 && unit < 5; unit++)
        scaled /= 1024;
    snprintf(text, 32, unit ? "%.2f%s" : "%.0f%s", scaled, units[unit]);
}

/* Six columns; all of it without decimals, as pprof has it. */
static void format_percent(char text[32], int64_t value, int64_t total)
{
    double percent = total ? 100.0 * (double)value / (double)total : 0;

    if (percent >= 99.995)
        snprintf(text, 32, "100%%");
    else
        snprintf(text, 32, "%.2f%%", percent);
}

static void write_rows(const struct table *table, const struct profile *profile,
                       int value, size_t rows, FILE *out)
{
    int64_t total = profile->total[value], sum = 0;
    const struct profile_type *type = &profile->kind->values[value];

    fprintf(out, "%10s %6s %6s %10s %6s\n", "flat", "flat%", "sum%", "cum",
            "cum%");
    for (size_t i = 0; i < rows && i <= table->mask; i++) {
        const struct entry *entry = &table->entries[i];
        char flat[32], cum[32], flat_part[32], sum_part[32], cum_part[32];

        if (!entry->name || (entry->flat == 0 && entry->cum == 0))
            break;
        add(&sum, entry->flat);
        format_value(flat, entry->flat, type);
        format_value(cum, entry->cum, type);
        format_percent(flat_part, entry->flat, total);
        format_percent(sum_part, sum, total);
        format_percent(cum_part, entry->cum, total);
        fprintf(out, "%10s %6s %6s %10s %6s  %s\n", flat, flat_part, sum_part,
                cum, cum_part, entry->name);
    }
}

int profile_top_write(const struct profile *profile, int value, size_t rows,
                      FILE *out)
{
    struct table table = {NULL, 0};
    size_t lines = 8;
    char total[32];

    for (size_t i = 0; i < profile->location_count; i++)
        lines += profile->locations[i].line_count;
    while (table.mask < 2 * lines)
        table.mask = 2 * table.mask + 1;
    table.entries = calloc(table.mask + 1, sizeof(*table.entries));
    if (!table.entries)
        return -ENOMEM;
    for (size_t i = 0; i < profile->sample_count; i++)
        add_sample(&table, profile, i, value);
    qsort(table.entries, table.mask + 1, sizeof(*table.entries), by_flat);

    format_value(total, profile->total[value], &profile->kind->values[value]);
    fprintf(out, "%s, pid %u: %s %s", profile->program, profile->pid, total,
            profile->kind->values[value].name);
    if (profile->period > 1)
        fprintf(out, ", sampled every %" PRId64 " bytes", profile->period);
    fprintf(out, "\n");
    for (size_t i = 0; i < profile->comment_count; i++)
        fprintf(out, "%s\n", profile->comments[i]);
    write_rows(&table, profile, value, rows, out);
    free(table.entries);
    return ferror(out) ? -EIO : 0;
}
