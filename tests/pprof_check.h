/* SPDX-License-Identifier: MIT */
/*
 * pprof_check.h - a gzipped profile.proto, read back and checked as its
 * readers do: Go's CheckValid, and the stricter rules of Parca and others.
 *
 * Decoding is protobuf-c's, UTF-8 is libc's; it must never call a writer.
 * Read next: profile_pprof.h, profile.proto.
 */
#ifndef PREPROF_TESTS_PPROF_CHECK_H
#define PREPROF_TESTS_PPROF_CHECK_H

#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "profile.pb-c.h"

typedef Perftools__Profiles__Profile PprofProfile;

/* Ends the test program: what was written is not even gzip or protobuf. */
static inline PprofProfile *pprof_read(const uint8_t *bytes, size_t size)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    uint32_t plain_size;
    uint8_t *plain;
    PprofProfile *profile;

    memcpy(&plain_size, bytes + size - 4, 4); /* the end of gzip's trailer */
    plain = malloc(plain_size + 1);
    if (!plain || libdeflate_gzip_decompress(inflater, bytes, size, plain,
                                             plain_size, NULL) != 0)
        abort();
    libdeflate_free_decompressor(inflater);
    profile = perftools__profiles__profile__unpack(NULL, plain_size, plain);
    if (!profile)
        abort();
    free(plain);
    return profile;
}

static inline void pprof_free(PprofProfile *profile)
{
    perftools__profiles__profile__free_unpacked(profile, NULL);
}

static inline bool pprof_is_utf8(const char *text)
{
    iconv_t converter = iconv_open("UCS-4LE", "UTF-8");
    char *from = (char *)(uintptr_t)text;
    size_t from_left = strlen(text), to_left = 4 * from_left;
    char *to = malloc(to_left + 1), *at = to;
    bool valid =
        iconv(converter, &from, &from_left, &at, &to_left) != (size_t)-1;

    free(to);
    iconv_close(converter);
    return valid;
}

static inline int pprof_compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static inline bool pprof_addresses_differ(const PprofProfile *p)
{
    uint64_t *sorted = malloc((p->n_location + 1) * sizeof(*sorted));
    bool differ = true;

    sorted[0] = 0; /* so that none is 0 */
    for (size_t i = 0; i < p->n_location; i++)
        sorted[i + 1] = p->location[i]->address;
    qsort(sorted, p->n_location + 1, sizeof(*sorted), pprof_compare_u64);
    for (size_t i = 1; i <= p->n_location; i++)
        differ &= sorted[i] != sorted[i - 1];
    free(sorted);
    return differ;
}

static inline const char *pprof_tables_fault(const PprofProfile *p)
{
    int64_t texts = (int64_t)p->n_string_table;
#define IN_TABLE(index) ((index) >= 0 && (index) < texts)

    if (texts == 0 || p->string_table[0][0] != '\0')
        return "string 0 is not empty";
    for (int64_t i = 0; i < texts; i++)
        if (!pprof_is_utf8(p->string_table[i]))
            return "a string that is not UTF-8";
    for (size_t i = 0; i < p->n_mapping; i++)
        if (p->mapping[i]->id != i + 1 || !IN_TABLE(p->mapping[i]->filename) ||
            !IN_TABLE(p->mapping[i]->build_id) || !p->mapping[i]->has_functions)
            return "a mapping";
    for (size_t i = 0; i < p->n_function; i++)
        if (p->function[i]->id != i + 1 || !IN_TABLE(p->function[i]->name) ||
            !p->function[i]->name || !IN_TABLE(p->function[i]->filename) ||
            !IN_TABLE(p->function[i]->system_name))
            return "a function";
    for (size_t i = 0; i < p->n_sample_type; i++)
        if (!IN_TABLE(p->sample_type[i]->type) ||
            !IN_TABLE(p->sample_type[i]->unit))
            return "a sample type";
    for (size_t i = 0; i < p->n_comment; i++)
        if (!IN_TABLE(p->comment[i]))
            return "a comment";
    if (!p->period_type || !IN_TABLE(p->period_type->type) ||
        !IN_TABLE(p->default_sample_type))
        return "a type";
#undef IN_TABLE
    return NULL;
}

/* The first rule that a profile breaks, or NULL. */
static inline const char *pprof_fault(const PprofProfile *p)
{
    const char *fault = pprof_tables_fault(p);

    if (fault)
        return fault;
    for (size_t i = 0; i < p->n_location; i++) {
        const Perftools__Profiles__Location *location = p->location[i];

        if (location->id != i + 1 || location->mapping_id > p->n_mapping ||
            location->n_line == 0)
            return "a location";
        for (size_t j = 0; j < location->n_line; j++)
            if (location->line[j]->function_id - 1 >= p->n_function)
                return "a line's function";
    }
    if (!pprof_addresses_differ(p))
        return "two locations with one address, or one with 0";
    for (size_t i = 0; i < p->n_sample; i++) {
        const Perftools__Profiles__Sample *sample = p->sample[i];

        if (sample->n_value != p->n_sample_type || sample->n_location_id == 0)
            return "a sample";
        for (size_t j = 0; j < sample->n_value; j++)
            if (sample->value[j] < 0)
                return "a negative value";
        for (size_t j = 0; j < sample->n_location_id; j++)
            if (sample->location_id[j] - 1 >= p->n_location)
                return "a sample's location";
    }
    return NULL;
}

/* The sum of one value over all samples; stops at INT64_MAX. */
static inline int64_t pprof_sum(const PprofProfile *p, size_t value)
{
    int64_t sum = 0;

    for (size_t i = 0; i < p->n_sample; i++)
        if (__builtin_add_overflow(sum, p->sample[i]->value[value], &sum))
            sum = INT64_MAX;
    return sum;
}

#endif
