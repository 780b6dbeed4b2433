/* SPDX-License-Identifier: MIT */
/*
 * test_profile_fold.c - goal: a folded profile has the largest stacks as they
 * were, the sums of all, and no more samples than asked for. Method: random
 * profiles, some of whose values are negative as a window's are, against sorted
 * copies of their values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profile.h"
#include "profile_fold.h"

#define STACKS    300
#define DEPTH_MAX 5
#define ROUNDS    50

static struct profile_location make_location(unsigned place)
{
    struct profile_location location = {
        .address = 0x1000 + place,
        .lines = calloc(1, sizeof(struct profile_line)),
        .line_count = 1,
    };
    char name[32];

    snprintf(name, sizeof(name), "place_%u", place);
    location.lines[0] = (struct profile_line){
        .function = strdup(name),
        .system_name = strdup(name),
        .file = strdup("file.c"),
    };
    return location;
}

/* Each stack's outermost place is its own. */
static struct profile *make_profile(void)
{
    struct profile *profile = calloc(1, sizeof(*profile));

    profile->kind = profile_kind_find("block");
    profile->location_count = profile->sample_count = STACKS;
    profile->locations = calloc(STACKS, sizeof(*profile->locations));
    profile->samples = calloc(STACKS, sizeof(*profile->samples));
    for (unsigned i = 0; i < STACKS; i++) {
        struct profile_sample *sample = &profile->samples[i];

        profile->locations[i] = make_location(i);
        sample->depth = 1 + (unsigned)rand() % DEPTH_MAX;
        sample->locations = calloc(DEPTH_MAX, sizeof(uint32_t));
        for (size_t j = 0; j < sample->depth; j++)
            sample->locations[j] = (unsigned)rand() % STACKS;
        sample->locations[sample->depth - 1] = i;
        for (int j = 0; j < 2; j++) {
            sample->values[j] = rand() % 2000 - 500;
            profile->total[j] += sample->values[j];
        }
    }
    return profile;
}

static int64_t size_of(const struct profile_sample *sample)
{
    return llabs(sample->values[0]) + llabs(sample->values[1]);
}

static int descending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? 1 : -(x > y);
}

static const char *outermost_of(const struct profile *profile,
                                const struct profile_sample *sample)
{
    return profile->locations[sample->locations[sample->depth - 1]]
        .lines->function;
}

static void check_round(uint32_t limit)
{
    struct profile *profile = make_profile();
    int64_t values[STACKS][2], sizes[STACKS], sum[2] = {0, 0};
    size_t folded = 0;

    for (unsigned i = 0; i < STACKS; i++) {
        memcpy(values[i], profile->samples[i].values, sizeof(values[i]));
        sizes[i] = size_of(&profile->samples[i]);
    }
    qsort(sizes, STACKS, sizeof(sizes[0]), descending);
    assert_int_equal(profile_fold(profile, limit), 0);
    assert_true(profile->sample_count <= limit);
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        const char *name = outermost_of(profile, sample);
        unsigned stack;

        sum[0] += sample->values[0];
        sum[1] += sample->values[1];
        if (strcmp(name, PROFILE_FOLDED_NAME) == 0) {
            assert_int_equal(sample->depth, 1);
            folded++;
            continue;
        }
        assert_int_equal(sscanf(name, "place_%u", &stack), 1);
        assert_memory_equal(sample->values, values[stack], sizeof(values[0]));
        if (limit < STACKS)
            assert_true(size_of(sample) >= sizes[limit - 1]);
    }
    assert_int_equal(folded, limit < STACKS);
    assert_int_equal(sum[0], profile->total[0]);
    assert_int_equal(sum[1], profile->total[1]);
    profile_free(profile);
}

static void test_random(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++)
        check_round(1 + (unsigned)rand() % (STACKS + 20));
    check_round(1);
    check_round(STACKS - 1);
    check_round(STACKS);
    check_round(UINT32_MAX);
}

/* What adds up to nothing is no sample. */
static void test_nothing(void **state)
{
    struct profile *profile = make_profile();

    (void)state;
    for (unsigned i = 0; i < STACKS; i++)
        profile->samples[i].values[0] = profile->samples[i].values[1] =
            i % 2 ? 7 : -7;
    assert_int_equal(profile_fold(profile, 1), 0);
    assert_int_equal(profile->sample_count, 0);
    assert_int_equal(profile->location_count, 0);
    profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
