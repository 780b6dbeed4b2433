/* SPDX-License-Identifier: MIT */
/*
 * test_profile_subtract.c - goal: the difference of two profiles is, stack by
 * stack, the difference of their values, whatever order and numbers their
 * locations have. Method: random profiles over few stacks, against a model that
 * is an array of values by stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profile.h"
#include "profile_subtract.h"
#include "segment_check.h"

#define STACKS    200
#define PLACES    40
#define DEPTH_MAX 6
#define ROUNDS    200

/* What is the same in both: the places of each stack, leaf first. */
static unsigned depths[STACKS], places[STACKS][DEPTH_MAX];

/* Places from here on are no code, or lie where another module was: their
 * addresses are like others, and names do not tell them apart. */
#define HIGH_FROM 30

static uint64_t address_of(unsigned place)
{
    return (place < HIGH_FROM ? 0x1000 : SEGMENT_ADDRESS_MAX) + place;
}

static struct profile_location make_location(unsigned place)
{
    struct profile_location location = {
        .address = address_of(place),
        .mapping = place < HIGH_FROM ? 1 + place % 2 : 0,
        .lines = calloc(1, sizeof(struct profile_line)),
        .line_count = 1,
    };

    location.lines[0] = (struct profile_line){
        .function = strdup("place"),
        .system_name = strdup("place"),
        .file = strdup("file.c"),
        .line = 7,
    };
    return location;
}

/* The index of a place, added at its first use: in any order. */
static uint32_t location_of(struct profile *profile, int *indexes,
                            unsigned place)
{
    if (indexes[place] < 0) {
        indexes[place] = (int)profile->location_count;
        profile->locations[profile->location_count++] = make_location(place);
    }
    return (uint32_t)indexes[place];
}

static struct profile *make_profile(int64_t model[STACKS][2])
{
    struct profile *profile = calloc(1, sizeof(*profile));
    unsigned from = (unsigned)rand() % STACKS;
    int indexes[PLACES];

    memset(indexes, -1, sizeof(indexes));
    memset(model, 0, STACKS * sizeof(model[0]));
    profile->kind = profile_kind_find("block");
    profile->mappings = calloc(2, sizeof(*profile->mappings));
    for (unsigned i = 0; i < 2; i++)
        profile->mappings[i] =
            (struct profile_mapping){.start = 4096 * (uint64_t)(i + 1),
                                     .file = strdup(i ? "lib" : "program"),
                                     .build_id = strdup("")};
    profile->mapping_count = 2;
    profile->locations = calloc(PLACES, sizeof(*profile->locations));
    profile->samples = calloc(STACKS, sizeof(*profile->samples));
    for (unsigned i = 0; i < STACKS; i++) {
        unsigned stack = (from + i) % STACKS;
        struct profile_sample *sample =
            &profile->samples[profile->sample_count];

        if (rand() % 3 == 0)
            continue;
        profile->sample_count++;
        sample->locations = calloc(DEPTH_MAX, sizeof(uint32_t));
        sample->depth = depths[stack];
        for (unsigned j = 0; j < depths[stack]; j++)
            sample->locations[j] =
                location_of(profile, indexes, places[stack][j]);
        for (int j = 0; j < 2; j++) {
            model[stack][j] = 1 + rand() % 4; /* often the same */
            sample->values[j] = model[stack][j];
            profile->total[j] += model[stack][j];
        }
    }
    return profile;
}

/* Which stack a sample has, by the addresses of its places. */
static unsigned stack_of(const struct profile *profile,
                         const struct profile_sample *sample)
{
    for (unsigned i = 0; i < STACKS; i++) {
        unsigned j = 0;

        if (depths[i] != sample->depth)
            continue;
        while (j < depths[i] &&
               profile->locations[sample->locations[j]].address ==
                   address_of(places[i][j]))
            j++;
        if (j == depths[i])
            return i;
    }
    fail_msg("a stack that there was not");
    return 0;
}

static void check(const struct profile *profile, int64_t later[STACKS][2],
                  int64_t earlier[STACKS][2])
{
    int64_t total[2] = {0, 0};
    bool seen[STACKS] = {false};
    size_t expected = 0;

    for (unsigned i = 0; i < STACKS; i++) {
        expected +=
            later[i][0] != earlier[i][0] || later[i][1] != earlier[i][1];
        for (int j = 0; j < 2; j++)
            total[j] += later[i][j] - earlier[i][j];
    }
    assert_int_equal(profile->sample_count, expected);
    for (size_t i = 0; i < profile->sample_count; i++) {
        unsigned stack = stack_of(profile, &profile->samples[i]);

        assert_false(seen[stack]);
        seen[stack] = true;
        for (int j = 0; j < 2; j++)
            assert_int_equal(profile->samples[i].values[j],
                             later[stack][j] - earlier[stack][j]);
    }
    for (int j = 0; j < 2; j++)
        assert_int_equal(profile->total[j], total[j]);
    for (size_t i = 0; i < profile->location_count; i++)
        assert_true(profile->locations[i].mapping <= profile->mapping_count);
}

static void make_stacks(void)
{
    for (unsigned i = 0; i < STACKS; i++) {
        bool again = true;

        while (again) {
            depths[i] = 1 + (unsigned)rand() % DEPTH_MAX;
            for (unsigned j = 0; j < depths[i]; j++)
                places[i][j] = (unsigned)rand() % PLACES;
            again = false;
            for (unsigned k = 0; k < i; k++)
                again |= depths[k] == depths[i] &&
                         memcmp(places[k], places[i],
                                depths[i] * sizeof(places[i][0])) == 0;
        }
    }
}

static void test_random(void **state)
{
    static int64_t later_model[STACKS][2], earlier_model[STACKS][2];

    (void)state;
    srand(1);
    make_stacks();
    for (int round = 0; round < ROUNDS; round++) {
        struct profile *earlier = make_profile(earlier_model);
        struct profile *later = make_profile(later_model);

        earlier->time_ns = 1000;
        later->time_ns = 4000;
        assert_int_equal(profile_subtract(later, earlier), 0);
        assert_int_equal(later->duration_ns, 3000);
        check(later, later_model, earlier_model);
        profile_free(earlier);
        profile_free(later);
    }
}

static void test_nothing(void **state)
{
    static int64_t model[STACKS][2];
    struct profile *earlier, *later;

    (void)state;
    srand(2);
    make_stacks();
    earlier = make_profile(model);
    srand(2);
    make_stacks();
    later = make_profile(model);
    assert_true(later->sample_count > 0);
    assert_int_equal(profile_subtract(later, earlier), 0);
    assert_int_equal(later->sample_count, 0);
    assert_int_equal(later->location_count, 0);
    assert_int_equal(later->mapping_count, 2);
    assert_string_equal(later->mappings[0].file, "program");
    profile_free(earlier);
    profile_free(later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
