/* SPDX-License-Identifier: MIT */
/*
 * dumpstat.c - reads a segment or dump by segment.h alone and prints numbers.
 *
 *   dumpstat FILE                  "key value" lines: header and totals
 *   dumpstat FILE callers [SKIP]   one line per leaf frame
 *   dumpstat FILE stacks           one line per callsite, frames leaf first
 *   dumpstat FILE EVENT            callers, of threadcreate, block or mutex,
 *                                  with count, delay in ns, 0 and 0
 *
 * A caller is where an interposed function returns to, as BASENAME+0xOFFSET
 * (virtual address in the ELF file); its line goes on with alloc_objects
 * alloc_space free_objects free_space. Leaf frames in the module whose base
 * name is SKIP are stepped over: the counting preload between the program and
 * the shim (libcount.c). This is the tests' own reader: slow, obvious, and it
 * shares nothing with tools/. It trusts the file to be a finished one.
 * Read next: shim/segment.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/segment.h"

static const char *file_path;
static enum segment_event event; /* what `rows` are of; NONE: allocations */
static const char *bytes;
static size_t size;
static const struct segment_header *header;

static struct segment_row rows[SEGMENT_CALLSITES_MAX];
static struct segment_node nodes[SEGMENT_NODES_MAX];
static struct segment_callsite callsites[SEGMENT_CALLSITES_MAX];
static struct segment_module modules[SEGMENT_MODULES_MAX];
static char strings[SEGMENT_STRINGS_MAX];

static _Noreturn void fail(const char *reason)
{
    fprintf(stderr, "dumpstat: %s: %s\n", file_path, reason);
    exit(1);
}

static void load(void)
{
    FILE *file = fopen(file_path, "rb");
    long length;
    char *copy;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0)
        fail("cannot be read");
    rewind(file);
    size = (size_t)length;
    copy = calloc(1, size + SEGMENT_HEADER_SIZE);
    if (!copy || fread(copy, 1, size, file) != size)
        fail("cannot be read");
    fclose(file);
    bytes = copy;
    header = (const void *)copy;
    if (size < SEGMENT_EXTENTS_OFFSET ||
        memcmp(header->magic, SEGMENT_MAGIC, sizeof(header->magic)) != 0 ||
        header->version != SEGMENT_VERSION ||
        header->byte_order != SEGMENT_BYTE_ORDER)
        fail("not a segment of this version");
}

static void add_row(struct segment_row *sum, const struct segment_row *row)
{
    sum->alloc_objects += SEGMENT_OBJECTS(row->alloc_objects);
    sum->alloc_space += row->alloc_space;
    sum->free_objects += row->free_objects;
    sum->free_space += row->free_space;
}

/* Copies an extent to its place in one of the arrays above. */
static void place(void *array, size_t element, uint32_t count, uint32_t max,
                  uint32_t base, const char *extent)
{
    if (base >= max || count > max - base)
        fail("an extent lies outside its array");
    memcpy((char *)array + base * element, extent, count * element);
}

static void read_extent(uint64_t word, const char *extent)
{
    uint32_t base = SEGMENT_EXTENT_BASE(word);
    const struct segment_event_row *events = (const void *)extent;

    switch (SEGMENT_EXTENT_TYPE(word)) {
    case SEGMENT_EXTENT_NONE:
        break;
    case SEGMENT_EXTENT_COUNTERS:
        if (base > SEGMENT_CALLSITES_MAX - SEGMENT_ROWS_PER_EXTENT)
            fail("counters lie outside their array");
        for (uint32_t i = 0; !event && i < SEGMENT_ROWS_PER_EXTENT; i++)
            add_row(&rows[base + i], (const struct segment_row *)extent + i);
        break;
    case SEGMENT_EXTENT_NODES:
        place(nodes, sizeof(nodes[0]), SEGMENT_NODES_PER_EXTENT,
              SEGMENT_NODES_MAX, base, extent);
        break;
    case SEGMENT_EXTENT_CALLSITES:
        place(callsites, sizeof(callsites[0]), SEGMENT_CALLSITES_PER_EXTENT,
              SEGMENT_CALLSITES_MAX, base, extent);
        break;
    case SEGMENT_EXTENT_MODULES:
        place(modules, sizeof(modules[0]), SEGMENT_MODULES_PER_EXTENT,
              SEGMENT_MODULES_MAX, base, extent);
        break;
    case SEGMENT_EXTENT_STRINGS:
        place(strings, 1, SEGMENT_EXTENT_SIZE, SEGMENT_STRINGS_MAX, base,
              extent);
        break;
    case SEGMENT_EXTENT_PEAKS:
    case SEGMENT_EXTENT_THREADS:
        break;
    case SEGMENT_EXTENT_EVENTS:
        if (base > SEGMENT_CALLSITES_MAX - SEGMENT_EVENTS_PER_EXTENT)
            fail("events lie outside their array");
        if (!event || SEGMENT_EXTENT_OWNER(word) != (uint32_t)event)
            break;
        for (uint32_t i = 0; i < SEGMENT_EVENTS_PER_EXTENT; i++)
            rows[base + i] =
                (struct segment_row){events[i].count, events[i].delay_ns, 0, 0};
        break;
    default:
        fail("an extent of no known type");
    }
}

static void read_extents(void)
{
    const uint64_t *table = (const void *)(bytes + SEGMENT_EXTENT_TABLE_OFFSET);
    uint32_t used = header->extents_used;

    if (used > header->extents_max) /* an upper bound */
        used = header->extents_max;
    for (uint32_t i = 0; i < used; i++) {
        size_t offset =
            SEGMENT_EXTENTS_OFFSET + (size_t)i * SEGMENT_EXTENT_SIZE;

        if (offset + SEGMENT_EXTENT_SIZE > size)
            fail("shorter than its extents");
        read_extent(table[i], bytes + offset);
    }
    for (uint32_t i = 0; !event && i < SEGMENT_SINK_COUNT; i++)
        add_row(&rows[i], &header->sinks[i]);
}

/* ---- totals ------------------------------------------------------------ */

static void print(const char *key, uint64_t value)
{
    printf("%s %" PRIu64 "\n", key, value);
}

static void print_row(const char *prefix, const struct segment_row *row)
{
    printf("%salloc_objects %" PRIu64 "\n", prefix, row->alloc_objects);
    printf("%salloc_space %" PRIu64 "\n", prefix, row->alloc_space);
    printf("%sfree_objects %" PRIu64 "\n", prefix, row->free_objects);
    printf("%sfree_space %" PRIu64 "\n", prefix, row->free_space);
    printf("%sinuse_objects %" PRIu64 "\n", prefix,
           row->alloc_objects - row->free_objects);
    printf("%sinuse_space %" PRIu64 "\n", prefix,
           row->alloc_space - row->free_space);
}

static void print_losses(void)
{
#define PRINT_LOSS(name, text)                                                 \
    print("loss_" #name, header->losses[SEGMENT_LOSS_##name]);
    SEGMENT_LOSSES(PRINT_LOSS)
#undef PRINT_LOSS
}

static void print_totals(void)
{
    static const char *const modes[] = {"off", "sample", "exact", "?"};
    struct segment_row total = {0}, sinks = {0};
    const struct segment_calls *calls = (const void *)&rows[0];
    uint64_t used = 0;

    for (uint32_t i = 1; i < SEGMENT_CALLSITES_MAX; i++) {
        add_row(&total, &rows[i]);
        if (i < SEGMENT_SINK_COUNT)
            add_row(&sinks, &rows[i]);
        used += i >= SEGMENT_SINK_COUNT && rows[i].alloc_objects != 0;
    }
    printf("program %.64s\n", header->program);
    printf("executable %.1024s\n", header->executable);
    printf("allocator %.64s\n", header->allocator);
    printf("note %.256s\n", header->note);
    printf("mode %s\n", modes[SEGMENT_MODE_OF(header->mode)]);
    print("sample_size", SEGMENT_SAMPLE_SIZE_OF(header->mode));
    print("modes_used", header->modes_used);
    print("status", header->status);
    print("state", header->state);
    print("pid", header->pid);
    print("parent_pid", header->parent_pid);
    print_row("", &total);
    print_row("sink_", &sinks);
    print("calls_allocs", calls->allocs);
    print("calls_frees", calls->frees);
    print("unknown_frees",
          calls->unknown_frees + header->losses[SEGMENT_LOSS_UNKNOWN_ORIGIN]);
    print("inherited_bytes", header->inherited_bytes);
    print("private_bytes", header->private_bytes);
    print("callsites", used);
    print("callsites_used", header->callsites_used);
    print("nodes_used", header->nodes_used);
    print("modules_used", header->modules_used);
    print("extents_used", header->extents_used);
    print("shards_used", header->shards_used);
    print_losses();
}

/* ---- callers and stacks ------------------------------------------------ */

static const struct segment_module *module_of(const struct segment_node *node)
{
    if (node->module == 0 || node->module > SEGMENT_MODULES_MAX)
        return NULL;
    return &modules[node->module - 1];
}

/* The base name of a module's path, in a buffer that the next call reuses. */
static const char *name_of(const struct segment_module *module)
{
    static char name[4096];
    const char *slash;

    if (!module || module->end == 0 || module->path_length >= sizeof(name) ||
        module->path > SEGMENT_STRINGS_MAX - module->path_length)
        return "?";
    memcpy(name, strings + module->path, module->path_length);
    name[module->path_length] = '\0';
    slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static const char *frame_of(const struct segment_node *node)
{
    static char text[4200];
    const struct segment_module *module = module_of(node);

    snprintf(text, sizeof(text), "%s+0x%" PRIx64, name_of(module),
             node->pc - (module ? module->bias : 0));
    return text;
}

static const struct segment_node *parent_of(const struct segment_node *node)
{
    return node->parent && node->parent < SEGMENT_NODES_MAX
               ? &nodes[node->parent]
               : NULL;
}

static const struct segment_node *leaf_of(uint32_t callsite)
{
    uint32_t node = callsites[callsite].node;

    return node && node < SEGMENT_NODES_MAX ? &nodes[node] : NULL;
}

struct caller {
    char *frame;
    struct segment_row row;
};

static int by_frame(const void *a, const void *b)
{
    return strcmp(((const struct caller *)a)->frame,
                  ((const struct caller *)b)->frame);
}

static void print_counts(const char *what, const struct segment_row *row)
{
    printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, what,
           row->alloc_objects, row->alloc_space, row->free_objects,
           row->free_space);
}

static void print_callers(const char *skip)
{
    struct caller *callers = calloc(SEGMENT_CALLSITES_MAX, sizeof(*callers));
    size_t count = 0;

    for (uint32_t i = 1; callers && i < SEGMENT_CALLSITES_MAX; i++) {
        const struct segment_node *node = leaf_of(i);

        if (rows[i].alloc_objects == 0)
            continue;
        while (node && skip && strcmp(name_of(module_of(node)), skip) == 0)
            node = parent_of(node);
        callers[count].frame = strdup(node ? frame_of(node) : "sink");
        callers[count++].row = rows[i];
    }
    if (!callers)
        fail("out of memory");
    qsort(callers, count, sizeof(*callers), by_frame);
    for (size_t i = 0; i < count; i++) {
        struct segment_row sum = callers[i].row;

        for (; i + 1 < count && by_frame(&callers[i], &callers[i + 1]) == 0;
             i++)
            add_row(&sum, &callers[i + 1].row);
        print_counts(callers[i].frame, &sum);
        putchar('\n');
    }
}

static void print_stacks(void)
{
    for (uint32_t i = 1; i < SEGMENT_CALLSITES_MAX; i++) {
        char id[16];

        if (rows[i].alloc_objects == 0)
            continue;
        snprintf(id, sizeof(id), "%" PRIu32, i);
        print_counts(id, &rows[i]);
        for (const struct segment_node *node = leaf_of(i); node;
             node = parent_of(node))
            printf(" %s", frame_of(node));
        putchar('\n');
    }
}

static enum segment_event event_of(const char *what)
{
    return strcmp(what, "threadcreate") == 0 ? SEGMENT_EVENT_THREAD
           : strcmp(what, "block") == 0      ? SEGMENT_EVENT_BLOCK
           : strcmp(what, "mutex") == 0      ? SEGMENT_EVENT_MUTEX
                                             : SEGMENT_EVENT_NONE;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[2] : "totals";

    if (argc < 2) {
        fprintf(stderr,
                "usage: dumpstat FILE [callers [SKIP] | stacks | EVENT]\n");
        return 2;
    }
    file_path = argv[1];
    event = event_of(what);
    load();
    read_extents();
    if (event || strcmp(what, "callers") == 0)
        print_callers(argc > 3 ? argv[3] : NULL);
    else if (strcmp(what, "stacks") == 0)
        print_stacks();
    else
        print_totals();
    return 0;
}
