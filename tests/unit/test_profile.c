/* SPDX-License-Identifier: MIT */
/*
 * test_profile.c - from a segment to a profile, and from it to pprof's format,
 * folded stacks and the table of top.
 *
 * Goal: what is written says the same as a slow, obvious model, and every
 * reader takes it. Method: segments made by hand (segment_build.h), decoded by
 * protobuf-c and checked by the rules of other readers (pprof_check.h); the
 * texts against texts, or against a model that counts by comparing names. How
 * pprof itself reports such a profile is tested in tests/cli/run.t.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pprof_check.h"
#include "profile.h"
#include "profile_folded.h"
#include "profile_pprof.h"
#include "profile_top.h"
#include "segment_build.h"
#include "segment_read.h"
#include "symbolize.h"

/* ---- from one form to the next ------------------------------------------ */

static struct profile *profile_of(const struct segment_build *build,
                                  const char *kind)
{
    struct symbolizer *symbolizer = symbolizer_new();
    struct segment_snapshot *snapshot;
    struct segment_error error;
    struct profile *profile;
    int fd = segment_build_file(build, segment_build_size(build));

    if (segment_read_fd(fd, "built", SEGMENT_READ_STACKS, &snapshot, &error))
        fail_msg("%s", error.reason);
    close(fd);
    profile =
        profile_from_segment(snapshot, symbolizer, profile_kind_find(kind));
    assert_non_null(profile);
    segment_snapshot_free(snapshot);
    symbolizer_free(symbolizer);
    return profile;
}

static PprofProfile *pprof_of(const struct profile *profile)
{
    PprofProfile *pprof;
    const char *fault;
    uint8_t *bytes;
    size_t size;

    assert_int_equal(profile_pprof_write(profile, &bytes, &size), 0);
    pprof = pprof_read(bytes, size);
    free(bytes);
    fault = pprof_fault(pprof);
    if (fault)
        fail_msg("%s", fault);
    for (size_t i = 0; i < pprof->n_sample_type; i++)
        assert_int_equal(pprof_sum(pprof, i), profile->total[i]);
    return pprof;
}

static char *folded_of(const struct profile *profile, enum profile_value value)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(profile_folded_write(profile, value, out), 0);
    fclose(out);
    return text;
}

static char *top_of(const struct profile *profile, enum profile_value value,
                    size_t rows)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(profile_top_write(profile, value, rows, out), 0);
    fclose(out);
    return text;
}

/* The name of the first line of a location of a sample. */
static const char *name_at(const PprofProfile *pprof, size_t sample, size_t i)
{
    uint64_t location = pprof->sample[sample]->location_id[i] - 1;
    uint64_t function = pprof->location[location]->line[0]->function_id - 1;

    return pprof->string_table[pprof->function[function]->name];
}

static uint64_t address_at(const PprofProfile *pprof, size_t sample, size_t i)
{
    return pprof->location[pprof->sample[sample]->location_id[i] - 1]->address;
}

/* ---- against a model ---------------------------------------------------- */

enum { CALLSITES = 2003, FIRST_LEAF = 0x500000 };

/* A tree of random shape, each leaf pc once, so that it names its callsite;
 * callsite i has i objects of 16 bytes, a third of them freed. */
static void build_tree(struct segment_build *build, uint64_t *parents)
{
    uint32_t inner[64] = {0};

    srand(5);
    segment_build_begin(build);
    build->header->mode = SEGMENT_MODE_WORD(SEGMENT_MODE_SAMPLE, 65536);
    segment_build_module(build, "/nowhere/lib", 0x10000, 0x100000);
    segment_build_module(build, "/nowhere/main", 0x400000, 0x600000);
    for (uint32_t i = 0; i < 2; i++) {
        struct segment_module *module =
            segment_build_at(build, SEGMENT_EXTENT_MODULES, 0, i);

        module->flags = i == 1 ? SEGMENT_MODULE_MAIN : 0;
    }
    for (uint32_t i = 1; i < 64; i++)
        inner[i] = segment_build_node(build, inner[(uint32_t)rand() % i],
                                      0x20000 + i % 40 * 16, i % 40 ? 1 : 0);
    for (uint32_t i = SEGMENT_SINK_COUNT; i < CALLSITES; i++) {
        uint32_t parent = inner[(uint32_t)rand() % 64], depth = 1;

        parents[i] = parent;
        for (uint32_t n = parent; n; depth++)
            n = ((struct segment_node *)segment_build_at(
                     build, SEGMENT_EXTENT_NODES, 0, n))
                    ->parent;
        segment_build_callsite(
            build, segment_build_node(build, parent, FIRST_LEAF + i, 2), depth);
        *segment_build_row(build, i % 3, i) =
            (struct segment_row){i, i * 16, i / 3, i / 3 * 16};
    }
}

static void test_model(void **state)
{
    (void)state;
    static uint64_t parents[CALLSITES];
    struct segment_build build;
    struct profile *profile;
    PprofProfile *pprof;

    build_tree(&build, parents);
    profile = profile_of(&build, "heap");
    pprof = pprof_of(profile);
    assert_int_equal(pprof->n_sample, CALLSITES - SEGMENT_SINK_COUNT);
    assert_int_equal(pprof->n_location, pprof->n_sample + 40);
    assert_int_equal(pprof->period, 65536);
    assert_int_equal(pprof->n_mapping, 2);
    assert_string_equal(pprof->string_table[pprof->mapping[0]->filename],
                        "/nowhere/main");
    assert_string_equal(pprof->string_table[pprof->mapping[1]->build_id],
                        "abcd000000000000000000000000000000000000");
    assert_int_equal(pprof->mapping[0]->memory_start, 0x401000);
    assert_int_equal(pprof->mapping[0]->memory_limit, 0x600000);
    assert_int_equal(pprof->mapping[0]->file_offset, 4096);
    for (size_t s = 0; s < pprof->n_sample; s++) {
        const Perftools__Profiles__Sample *sample = pprof->sample[s];
        uint64_t id = address_at(pprof, s, 0) + 1 - FIRST_LEAF;
        uint32_t n = (uint32_t)parents[id];
        size_t depth = 1;

        assert_int_equal(sample->value[PROFILE_ALLOC_OBJECTS], id);
        assert_int_equal(sample->value[PROFILE_ALLOC_SPACE], id * 16);
        assert_int_equal(sample->value[PROFILE_INUSE_OBJECTS], id - id / 3);
        assert_int_equal(sample->value[PROFILE_INUSE_SPACE],
                         (id - id / 3) * 16);
        for (; n; depth++) {
            const struct segment_node *node =
                segment_build_at(&build, SEGMENT_EXTENT_NODES, 0, n);

            assert_int_equal(address_at(pprof, s, depth), node->pc - 1);
            n = node->parent;
        }
        assert_int_equal(sample->n_location_id, depth);
    }
    pprof_free(pprof);
    profile_free(profile);
    segment_build_end(&build);
}

/* Every kind without a record is a valid profile, and every text is written. */
static void test_empty(void **state)
{
    (void)state;
    struct segment_build build;

    segment_build_begin(&build);
    for (size_t i = 0; i < profile_kind_count; i++) {
        const struct profile_kind *kind = &profile_kinds[i];
        struct profile *profile = profile_of(&build, kind->name);
        PprofProfile *pprof = pprof_of(profile);
        char *text;

        assert_int_equal(pprof->n_sample, 0);
        assert_int_equal(pprof->n_sample_type, kind->value_count);
        for (int j = 0; j < kind->value_count; j++) {
            assert_string_equal(
                pprof->string_table[pprof->sample_type[j]->type],
                kind->values[j].name);
            assert_string_equal(
                pprof->string_table[pprof->sample_type[j]->unit],
                kind->values[j].unit);
        }
        assert_true(pprof->time_nanos > 0);
        text = folded_of(profile, 0);
        assert_string_equal(text, "");
        free(text);
        text = top_of(profile, 0, 10);
        assert_non_null(strstr(text, "built, pid 4711: 0"));
        free(text);
        pprof_free(pprof);
        profile_free(profile);
    }
    segment_build_end(&build);
}

/* ---- addresses ---------------------------------------------------------- */

/* Different places that have one address, and places that have none. */
static void test_addresses(void **state)
{
    (void)state;
    static const struct segment_node nodes[] = {
        {0x402000, 0, 1, 0},
        {0x401fff, 0, 1, SEGMENT_NODE_EXACT_PC}, /* the same, interrupted */
        {0x402000, 0, 2, 0},                     /* of a module since gone */
        {0x402000, 0, 0, 0},
        {1, 0, 0, 0},
        {UINT64_MAX, 0, 0, 0},
        {UINT64_C(1) << 60 | 1, 0, 0, 0},
        {0x402000, 0, 1, SEGMENT_NODE_EXACT_PC}, /* one byte on */
    };
    enum { COUNT = sizeof(nodes) / sizeof(nodes[0]) };
    struct segment_build build;
    struct profile *profile;
    PprofProfile *pprof;

    segment_build_begin(&build);
    segment_build_module(&build, "/nowhere/a", 0x400000, 0x500000);
    segment_build_module(&build, "/nowhere/b", 0x400000, 0x500000);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t node = segment_build_node(&build, 0, 1, 0);
        uint32_t id = segment_build_callsite(&build, node, 1);

        *(struct segment_node *)segment_build_at(&build, SEGMENT_EXTENT_NODES,
                                                 0, node) = nodes[i];
        *segment_build_row(&build, 0, id) =
            (struct segment_row){1 + i, 1, 0, 0};
    }
    *segment_build_row(&build, 0, SEGMENT_SINK_FULL) =
        (struct segment_row){1, 1, 0, 0};
    *segment_build_row(&build, 0, SEGMENT_SINK_COUNT - 2) =
        (struct segment_row){1, 1, 0, 0};
    profile = profile_of(&build, "heap");
    pprof = pprof_of(profile); /* checks that all differ */
    assert_int_equal(pprof->n_sample, COUNT - 1 + 2); /* one stack twice */
    assert_int_equal(pprof->n_location, COUNT - 1 + 2);
    assert_string_equal(name_at(pprof, 0, 0), "[callsite table full]");
    assert_string_equal(name_at(pprof, 1, 0), "[unknown sink]");
    assert_int_equal(address_at(pprof, 2, 0), 0x401fff);
    assert_int_equal(pprof->sample[2]->value[PROFILE_ALLOC_OBJECTS], 1 + 2);
    assert_string_equal(name_at(pprof, 2, 0), "[a+0x1fff]");
    assert_string_equal(name_at(pprof, 3, 0), "[b+0x1fff]");
    assert_string_equal(name_at(pprof, 4, 0), "[0x401fff]");
    assert_string_equal(name_at(pprof, 5, 0), "[0x0]");
    assert_int_equal(address_at(pprof, 8, 0), 0x402000);
    pprof_free(pprof);
    profile_free(profile);
    segment_build_end(&build);
}

/* A file unloaded and loaded again at the same place is the same code; another
 * one there is at addresses of its own, whatever else is in the profile. */
static void test_reloaded(void **state)
{
    (void)state;
    enum { MODULES = 4, PC = 0x402345 };
    struct segment_build build;
    uint64_t address = 0;

    segment_build_begin(&build);
    segment_build_module(&build, "/nowhere/a", 0x400000, 0x500000);
    segment_build_module(&build, "/nowhere/b", 0x401000, 0x403000);
    segment_build_module(&build, "/nowhere/a", 0x400000, 0x500000);
    segment_build_module(&build, "/nowhere/b", 0x401000, 0x403000);
    for (uint32_t i = 0; i < MODULES; i++) {
        struct segment_module *module =
            segment_build_at(&build, SEGMENT_EXTENT_MODULES, 0, i);
        uint32_t node = segment_build_node(&build, 0, PC, i + 1);

        module->build_id[2] = (uint8_t)(i % 2);
        segment_build_callsite(&build, node, 1);
    }
    /* First b's alone, then all: each is where it was. */
    for (uint32_t i = MODULES; i-- > 0;) {
        struct profile *profile;
        PprofProfile *pprof;
        size_t last;

        *segment_build_row(&build, 0, SEGMENT_SINK_COUNT + i) =
            (struct segment_row){1u << i, 1, 0, 0};
        profile = profile_of(&build, "heap");
        pprof = pprof_of(profile);
        last = pprof->n_sample - 1;
        assert_int_equal(pprof->n_sample, i == MODULES - 1 ? 1 : 2);
        if (i == MODULES - 1)
            address = address_at(pprof, 0, 0);
        if (i == 0) {
            assert_int_equal(address_at(pprof, 0, 0), PC - 1);
            assert_int_equal(pprof->sample[0]->value[PROFILE_ALLOC_OBJECTS],
                             1 + 4);
            assert_int_equal(address_at(pprof, last, 0), address);
            assert_int_equal(pprof->sample[1]->value[PROFILE_ALLOC_OBJECTS],
                             2 + 8);
            assert_int_equal(pprof->n_mapping, 2);
        }
        pprof_free(pprof);
        profile_free(profile);
    }
    assert_true(address > UINT64_C(1) << 60);
    segment_build_end(&build);
}

/* The frames that are missing are the outer ones, whichever say so. */
static void test_truncated(void **state)
{
    (void)state;
    struct segment_build build;
    struct segment_node *nodes;
    struct profile *profile;
    char *folded;

    segment_build_small(&build);
    nodes = segment_build_at(&build, SEGMENT_EXTENT_NODES, 0, 0);
    for (int i = 0; i < 5; i++)
        nodes[i].flags = SEGMENT_NODE_TRUNCATED;
    profile = profile_of(&build, "heap");
    pprof_free(pprof_of(profile));
    folded = folded_of(profile, PROFILE_ALLOC_SPACE);
    assert_string_equal(folded, "[allocated in a signal handler] 32\n"
                                "[truncated];[built+0x1110];[built+0x2221];"
                                "[built.so+0x3332] 1000\n"
                                "[truncated];[built+0x1110];[built+0x2221] 55\n"
                                "[truncated];[built+0x1110];[0x65] 1111\n");
    free(folded);
    profile_free(profile);
    segment_build_end(&build);
}

/* ---- values ------------------------------------------------------------- */

static void test_largest_values(void **state)
{
    (void)state;
    struct segment_build build;
    struct profile *profile;
    PprofProfile *pprof;
    char *text, want[64];

    segment_build_small(&build);
    for (uint32_t id = 8; id <= 9; id++) {
        memset(segment_build_row(&build, 1, id), 0, 32);
        *segment_build_row(&build, 0, id) =
            (struct segment_row){INT64_MAX, INT64_MAX, 0, 0};
    }
    profile = profile_of(&build, "allocs");
    pprof = pprof_of(profile);
    assert_int_equal(pprof->sample[1]->value[PROFILE_INUSE_SPACE], INT64_MAX);
    assert_int_equal(profile->total[PROFILE_ALLOC_SPACE], INT64_MAX);
    text = folded_of(profile, PROFILE_ALLOC_SPACE);
    snprintf(want, sizeof(want), " %" PRId64 "\n", INT64_MAX);
    assert_non_null(strstr(text, want));
    free(text);
    text = top_of(profile, PROFILE_ALLOC_SPACE, 10);
    for (char *line = text; *line; line = strchr(line, '\n') + 1)
        assert_null(memchr(line, '-', strcspn(line, "\n")));
    free(text);
    pprof_free(pprof);
    profile_free(profile);
    segment_build_end(&build);
}

/* ---- names -------------------------------------------------------------- */

static volatile unsigned sink;

static __attribute__((noinline)) uintptr_t subject(void)
{
    uintptr_t pc;

    __asm__ volatile("lea 0(%%rip), %0" : "=r"(pc));
    sink++;
    return pc;
}

static int find_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = info->dlpi_addr;
    return 1; /* the program is the first */
}

/* A copy of this program, where subject() and the file have names that are no
 * text: the profile's are, and folded stacks keep their lines and frames. */
static void test_names(void **state)
{
    (void)state;
    char directory[] = "/tmp/preprof-profile-XXXXXX", path[64];
    char command[PATH_MAX + 256], self[PATH_MAX] = "";
    struct segment_build build;
    struct segment_module *module;
    struct profile *profile;
    PprofProfile *pprof;
    uint64_t bias;
    char *folded;

    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/a\xff\nb", directory);
    snprintf(command, sizeof(command),
             "objcopy --strip-debug --remove-section .note.gnu.build-id "
             "--redefine-sym 'subject=sub;j\xff\xc3\nct' %s '%s'",
             self, path);
    assert_int_equal(system(command), 0);
    dl_iterate_phdr(find_bias, &bias);
    segment_build_begin(&build);
    segment_build_module(&build, path, bias, bias + (64 << 20));
    module = segment_build_at(&build, SEGMENT_EXTENT_MODULES, 0, 0);
    module->build_id_length = 0;
    build.header->created_ns = INT64_MAX;
    memcpy(build.header->program, "p\xc0g", 3);
    segment_build_callsite(&build, segment_build_node(&build, 0, subject(), 1),
                           1);
    segment_build_callsite(
        &build, segment_build_node(&build, 0, bias + (63 << 20), 1), 1);
    *segment_build_row(&build, 0, 8) = (struct segment_row){1, 32, 0, 0};
    *segment_build_row(&build, 0, 9) = (struct segment_row){1, 48, 0, 0};
    profile = profile_of(&build, "heap");
    pprof = pprof_of(profile);
    assert_string_equal(name_at(pprof, 0, 0), "sub;j???ct");
    assert_string_equal(name_at(pprof, 1, 0), "[a??b+0x3efffff]");
    assert_non_null(
        strstr(pprof->string_table[pprof->mapping[0]->filename], "/a??b"));
    assert_string_equal(profile->program, "p?glt");
    folded = folded_of(profile, PROFILE_INUSE_SPACE);
    assert_string_equal(folded, "sub:j???ct 32\n[a??b+0x3efffff] 48\n");
    free(folded);
    pprof_free(pprof);
    profile_free(profile);
    segment_build_end(&build);
    unlink(path);
    rmdir(directory);
}

/* ---- inlined frames, by hand -------------------------------------------- */

static struct profile_line outer_lines[] = {{"main", "main", "/m.c", 7, 1}};
static struct profile_line inner_lines[] = {
    {"in;line", "in;line", "/m.h", 3, 2}, {"work", "work", "/m.c", 9, 8}};
static struct profile_location hand_locations[] = {
    {.address = 10, .mapping = 0, .lines = outer_lines, .line_count = 1},
    {.address = 20, .mapping = 0, .lines = inner_lines, .line_count = 2}};
static uint32_t stack_recursive[] = {1, 1, 0}, stack_main[] = {0};
static struct profile_sample hand_samples[] = {
    {stack_recursive, 3, {3, 3072, 1, 1024}, 0},
    {stack_main, 1, {1, 1024 * 1024, 0, 0}, 0}};
static char hand_comment[] = "13 stacks cut";
static char *hand_comments[] = {hand_comment};

static struct profile hand_made(void)
{
    return (struct profile){
        .kind = profile_kind_find("heap"),
        .program = "hand",
        .pid = 42,
        .time_ns = 1,
        .period = 512,
        .total = {4, 1024 * 1024 + 3072, 1, 1024},
        .locations = hand_locations,
        .location_count = 2,
        .samples = hand_samples,
        .sample_count = 2,
        .comments = hand_comments,
        .comment_count = 1,
    };
}

static void test_inlined(void **state)
{
    (void)state;
    struct profile profile = hand_made();
    PprofProfile *pprof = pprof_of(&profile);
    const Perftools__Profiles__Location *location = pprof->location[1];
    char *text;

    assert_int_equal(pprof->n_function, 3);
    assert_int_equal(location->n_line, 2);
    assert_int_equal(location->line[0]->line, 3);
    assert_int_equal(location->line[1]->line, 9);
    assert_string_equal(name_at(pprof, 0, 0), "in;line");
    assert_int_equal(
        pprof->function[location->line[0]->function_id - 1]->start_line, 2);
    assert_string_equal(pprof->string_table[pprof->comment[0]], hand_comment);
    assert_int_equal(pprof->default_sample_type, 0);
    pprof_free(pprof);
    text = folded_of(&profile, PROFILE_ALLOC_OBJECTS);
    assert_string_equal(text, "main;work;in:line;work;in:line 3\nmain 1\n");
    free(text);
    text = folded_of(&profile, PROFILE_INUSE_SPACE); /* 0 is left out */
    assert_string_equal(text, "main;work;in:line;work;in:line 1024\n");
    free(text);
}

/* ---- top ---------------------------------------------------------------- */

static void test_top_text(void **state)
{
    (void)state;
    struct profile profile = hand_made();
    char *text = top_of(&profile, PROFILE_ALLOC_SPACE, 20);

    assert_string_equal(
        text, "hand, pid 42: 1.00MB alloc_space, sampled every 512 bytes\n"
              "13 stacks cut\n"
              "      flat  flat%   sum%        cum   cum%\n"
              "    1.00MB 99.71% 99.71%     1.00MB   100%  main\n"
              "    3.00kB  0.29%   100%     3.00kB  0.29%  in;line\n"
              "        0B  0.00%   100%     3.00kB  0.29%  work\n");
    free(text);
    text = top_of(&profile, PROFILE_INUSE_OBJECTS, 1);
    assert_string_equal(
        strchr(text, '\n') + 1,
        "13 stacks cut\n"
        "      flat  flat%   sum%        cum   cum%\n"
        "         1   100%   100%          1   100%  in;line\n");
    free(text);
}

/* Columns stay columns, whatever the values: a row's name starts at 45. */
static void test_top_columns(void **state)
{
    (void)state;
    static const int64_t spaces[] = {1,
                                     1023,
                                     1024,
                                     10240,
                                     999999,
                                     1 << 20,
                                     1023ll << 20,
                                     1ll << 30,
                                     1023ll << 30,
                                     1ll << 40,
                                     1ll << 50,
                                     (1ll << 50) - 1,
                                     1ll << 60,
                                     INT64_MAX};

    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        struct profile profile = hand_made();
        struct profile_sample samples[2] = {hand_samples[0], hand_samples[1]};
        char *text, *row;

        samples[0].values[PROFILE_INUSE_SPACE] = spaces[i];
        profile.samples = samples;
        profile.total[PROFILE_INUSE_SPACE] = spaces[i];
        text = top_of(&profile, PROFILE_INUSE_SPACE, 1);
        row = strstr(text, "cum%\n") + 5;
        if (strncmp(row + 44, "in;line\n", 8) != 0)
            fail_msg("%" PRId64 ": %s", spaces[i], row);
        free(text);
    }
}

/* Against counting by comparing every name with every other. */
static void test_top_model(void **state)
{
    (void)state;
    enum { NAMES = 29, SAMPLES = 199, DEPTH = 5 };
    static char names[NAMES][16];
    static struct profile_line lines[NAMES];
    static struct profile_location locations[NAMES];
    static uint32_t stacks[SAMPLES][DEPTH];
    static struct profile_sample samples[SAMPLES];
    int64_t flat[NAMES] = {0}, cum[NAMES] = {0}, before = INT64_MAX;
    struct profile profile = hand_made();
    char *text, *line;
    size_t rows = 0;

    srand(17);
    memset(profile.total, 0, sizeof(profile.total));
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof(names[i]), "f%u", i);
        lines[i] = (struct profile_line){names[i], names[i], "", 0, 0};
        locations[i] = (struct profile_location){
            .address = i + 1, .lines = &lines[i], .line_count = 1};
    }
    for (uint32_t s = 0; s < SAMPLES; s++) {
        int64_t value = rand() % 100;

        samples[s] = (struct profile_sample){
            .locations = stacks[s], .depth = DEPTH, .values = {value}};
        profile.total[PROFILE_ALLOC_OBJECTS] += value;
        for (uint32_t i = 0; i < DEPTH; i++)
            stacks[s][i] = (uint32_t)(rand() % NAMES);
        flat[stacks[s][0]] += value;
        for (uint32_t f = 0; f < NAMES; f++)
            for (uint32_t i = 0; i < DEPTH; i++)
                if (stacks[s][i] == f) {
                    cum[f] += value;
                    break;
                }
    }
    profile.locations = locations;
    profile.location_count = NAMES;
    profile.samples = samples;
    profile.sample_count = SAMPLES;
    text = top_of(&profile, PROFILE_ALLOC_OBJECTS, 100);
    line = strstr(text, "cum%\n") + 5;
    for (int64_t sum = 0; *line; rows++, line = strchr(line, '\n') + 1) {
        double flat_part, sum_part, cum_part;
        double total = (double)profile.total[PROFILE_ALLOC_OBJECTS] / 100;
        int64_t row_flat, row_cum;
        unsigned f;

        assert_int_equal(
            sscanf(line, "%" SCNd64 " %lf%% %lf%% %" SCNd64 " %lf%% f%u\n",
                   &row_flat, &flat_part, &sum_part, &row_cum, &cum_part, &f),
            6);
        assert_int_equal(row_flat, flat[f]);
        assert_int_equal(row_cum, cum[f]);
        assert_true(row_flat <= before);
        before = row_flat;
        sum += row_flat;
        assert_true(flat_part - (double)row_flat / total < 0.0051 &&
                    flat_part - (double)row_flat / total > -0.0051);
        assert_true(sum_part - (double)sum / total < 0.0051 &&
                    sum_part - (double)sum / total > -0.0051);
        assert_true(cum_part - (double)row_cum / total < 0.0051 &&
                    cum_part - (double)row_cum / total > -0.0051);
    }
    assert_int_equal(rows, NAMES);
    free(text);
}

/* ---- errors ------------------------------------------------------------- */

static void test_full_disk(void **state)
{
    (void)state;
    struct profile profile = hand_made();
    FILE *full = fopen("/dev/full", "we");

    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(profile_folded_write(&profile, PROFILE_ALLOC_SPACE, full),
                     -EIO);
    clearerr(full);
    assert_int_equal(profile_top_write(&profile, PROFILE_ALLOC_SPACE, 5, full),
                     -EIO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),          cmocka_unit_test(test_empty),
        cmocka_unit_test(test_addresses),      cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_largest_values), cmocka_unit_test(test_names),
        cmocka_unit_test(test_inlined),        cmocka_unit_test(test_top_text),
        cmocka_unit_test(test_top_columns),    cmocka_unit_test(test_top_model),
        cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_reloaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
