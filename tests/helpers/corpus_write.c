/* SPDX-License-Identifier: MIT */
/*
 * corpus_write.c - writes the first inputs of fuzz_segment_read, fuzz_core,
 * fuzz_cfi, fuzz_render and fuzz_trace: `corpus_write tests/fuzz/corpus`. What
 * the fuzzers found lies beside them.
 *
 * The same files every time. Each is a sound input with one thing that is
 * special, so that a fuzzer starts everywhere at once. Read next:
 * tests/fuzz/fuzz_segment_read.c and its neighbours.
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "segment_build.h"

static const char *corpus;

/* ---- an input ----------------------------------------------------------- */

struct input {
    uint8_t bytes[1024];
    size_t size;
};

static void put(struct input *input, const void *bytes, size_t size)
{
    if (size > sizeof(input->bytes) - input->size)
        abort();
    memcpy(input->bytes + input->size, bytes, size);
    input->size += size;
}

static void put_number(struct input *input, uint64_t value, size_t size)
{
    put(input, &value, size);
}

static void write_input(const struct input *input, const char *target,
                        const char *name)
{
    char path[PATH_MAX];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s/%s", corpus, target, name);
    out = fopen(path, "we");
    if (!out || fwrite(input->bytes, 1, input->size, out) != input->size ||
        fclose(out) != 0) {
        fprintf(stderr, "corpus_write: %s: %s\n", path, strerror(errno));
        exit(1);
    }
}

/* ---- segments ----------------------------------------------------------- */

static struct segment_build segment;

static void put_damage(struct input *input, const void *at, uint64_t value,
                       size_t size)
{
    size_t offset = (size_t)((const uint8_t *)at - segment.bytes);
    size_t region = 0;

    if (offset >= SEGMENT_EXTENTS_OFFSET)
        region = 1 + offset / SEGMENT_EXTENT_SIZE;
    else if (offset >= SEGMENT_EXTENT_TABLE_OFFSET)
        region = 1;
    if (region == 1)
        offset -= SEGMENT_EXTENT_TABLE_OFFSET;
    put_number(input, region, 1);
    put_number(input, offset % SEGMENT_EXTENT_SIZE, 2);
    put_number(input, size - 1, 1);
    put_number(input, value, size);
}

#define DAMAGE(input, member, value)                                           \
    put_damage(input, &(member), (uint64_t)(value), sizeof(member))

static void write_damage(const char *name, const void *at, uint64_t value,
                         size_t size)
{
    struct input input = {.size = 1};

    put_damage(&input, at, value, size);
    write_input(&input, "segment_read", name);
}

#define WRITE_DAMAGE(name, member, value)                                      \
    write_damage(name, &(member), (uint64_t)(value), sizeof(member))

static void write_headers(void)
{
    struct segment_header *header = segment.header;

    WRITE_DAMAGE("magic", header->magic, 0);
    WRITE_DAMAGE("version", header->version, SEGMENT_VERSION + 1);
    WRITE_DAMAGE("byte_order", header->byte_order, 0x04030201);
    WRITE_DAMAGE("header_size", header->header_size, 64);
    WRITE_DAMAGE("pid", header->pid, 1u << 31);
    WRITE_DAMAGE("mode", header->mode, SEGMENT_MODE_WORD(1, UINT64_MAX >> 2));
    WRITE_DAMAGE("status", header->status, SEGMENT_BYPASSED);
    WRITE_DAMAGE("state", header->state, SEGMENT_EXITED);
    WRITE_DAMAGE("extents_used", header->extents_used, 7);
    WRITE_DAMAGE("callsites_used", header->callsites_used, 20000);
    WRITE_DAMAGE("nodes_used", header->nodes_used, 2);
    WRITE_DAMAGE("modules_used", header->modules_used, 3);
    WRITE_DAMAGE("strings_used", header->strings_used, 70000);
    WRITE_DAMAGE("losses", header->losses[3], UINT64_MAX);
    WRITE_DAMAGE("sink", header->sinks[2].alloc_objects, 1);
    WRITE_DAMAGE("calls", header->sinks[0].alloc_objects, 5);
    WRITE_DAMAGE("extent_type", segment.extents[1], 9);
    WRITE_DAMAGE("extent_base", segment.extents[4],
                 SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_COUNTERS, 0, 2048));
    WRITE_DAMAGE("extent_twice", segment.extents[5], segment.extents[4]);
}

/* A row that was saved at the peak, in what was another shard's counters. */
static void write_peak(void)
{
    struct segment_header *header = segment.header;
    uint64_t word = SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_COUNTERS, 1, 0);
    struct segment_row *row = segment_build_row(&segment, 0, 8);
    struct segment_peak *peaks = (void *)segment_build_row(&segment, 1, 0);
    struct input input = {.size = 1};
    uint32_t i = 0;

    while (segment.extents[i] != word)
        i++;
    DAMAGE(&input, header->peak_epoch, 1);
    DAMAGE(&input, row->alloc_objects,
           row->alloc_objects | UINT64_C(1) << SEGMENT_OBJECTS_BITS);
    DAMAGE(&input, segment.extents[i],
           SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_PEAKS, 0, 0));
    DAMAGE(&input, peaks[8].objects, 7);
    DAMAGE(&input, peaks[8].space, 700);
    write_input(&input, "segment_read", "peak");
    WRITE_DAMAGE("peak_epoch", header->peak_epoch, 1);
}

static void write_records(void)
{
    struct segment_module *modules =
        segment_build_at(&segment, SEGMENT_EXTENT_MODULES, 0, 0);
    struct segment_callsite *callsites =
        segment_build_at(&segment, SEGMENT_EXTENT_CALLSITES, 0, 0);
    struct segment_node *nodes =
        segment_build_at(&segment, SEGMENT_EXTENT_NODES, 0, 0);
    char *strings = segment_build_at(&segment, SEGMENT_EXTENT_STRINGS, 0, 0);
    struct segment_row *row = segment_build_row(&segment, 0, 8);
    struct input input = {.size = 1};

    WRITE_DAMAGE("module_end", modules[1].end, 0);
    WRITE_DAMAGE("module_path", modules[1].path_length, 4000);
    WRITE_DAMAGE("module_build_id", modules[1].build_id_length, 32);
    WRITE_DAMAGE("module_main", modules[0].flags, 0);
    WRITE_DAMAGE("callsite_node", callsites[9].node, 0);
    WRITE_DAMAGE("callsite_depth", callsites[10].depth, 1);
    WRITE_DAMAGE("node_cycle", nodes[1].parent, 3);
    WRITE_DAMAGE("node_pc", nodes[3].pc, 0);
    WRITE_DAMAGE("node_pc_one", nodes[3].pc, 1);
    WRITE_DAMAGE("node_pc_high", nodes[3].pc, (UINT64_C(1) << 60) + 1);
    WRITE_DAMAGE("node_module", nodes[4].module, 2);
    WRITE_DAMAGE("node_exact", nodes[3].flags, SEGMENT_NODE_EXACT_PC);
    WRITE_DAMAGE("row_space", row->alloc_space, UINT64_MAX);
    WRITE_DAMAGE("row_objects", row->free_objects, 700);
    WRITE_DAMAGE("path_not_utf8", strings[11], 0xc3);
    WRITE_DAMAGE("path_newline", strings[10], '\n');

    DAMAGE(&input, nodes[1].flags, SEGMENT_NODE_TRUNCATED);
    DAMAGE(&input, nodes[2].flags, SEGMENT_NODE_TRUNCATED);
    DAMAGE(&input, nodes[3].flags, SEGMENT_NODE_TRUNCATED);
    write_input(&input, "segment_read", "node_truncated");
    input.size = 1;
    DAMAGE(&input, nodes[3].pc, nodes[2].pc - 1);
    DAMAGE(&input, nodes[3].module, 1);
    DAMAGE(&input, nodes[3].flags, SEGMENT_NODE_EXACT_PC);
    write_input(&input, "segment_read", "node_same_address");
    input.size = 1;
    DAMAGE(&input, row->alloc_space, INT64_MAX);
    DAMAGE(&input, row->free_space, 0);
    DAMAGE(&input, row[1].alloc_space, INT64_MAX);
    DAMAGE(&input, row[1].free_objects, 0);
    DAMAGE(&input, row[1].free_space, 0);
    write_input(&input, "segment_read", "row_sum");
    input.size = 1;
    DAMAGE(&input, modules[1].start, modules[0].start);
    DAMAGE(&input, modules[1].text_start, modules[0].text_start);
    DAMAGE(&input, nodes[3].pc, nodes[2].pc);
    write_input(&input, "segment_read", "module_overlap");
}

static void write_labels(void)
{
    struct segment_header *header = segment.header;
    struct segment_label *labels =
        segment_build_at(&segment, SEGMENT_EXTENT_LABELS, 0, 0);
    struct segment_node *nodes =
        segment_build_at(&segment, SEGMENT_EXTENT_NODES, 0, 0);
    struct segment_thread *thread = segment_build_at(
        &segment, SEGMENT_EXTENT_THREADS, 0, SEGMENT_BUILD_TID);
    uint32_t root = header->nodes_used - 2;
    struct input input = {.size = 1};

    WRITE_DAMAGE("labels_used", header->labels_used, 3000);
    WRITE_DAMAGE("labels_none", header->labels_used, 1);
    WRITE_DAMAGE("label_unpublished", labels[1].value_length, 0);
    WRITE_DAMAGE("label_no_key", labels[1].key_length, 0);
    WRITE_DAMAGE("label_long", labels[2].value_length, SEGMENT_LABEL_TEXT_MAX);
    WRITE_DAMAGE("label_nul", labels[2].text[1], 0);
    WRITE_DAMAGE("label_cycle", labels[1].parent, 2);
    WRITE_DAMAGE("label_order", labels[2].text[0], 'a');
    WRITE_DAMAGE("root_unknown", nodes[root].pc, 77);
    WRITE_DAMAGE("root_other", nodes[root].pc, 2);
    WRITE_DAMAGE("root_parent", nodes[root].parent, 1);
    WRITE_DAMAGE("root_no_labels", nodes[root].flags, 0);
    WRITE_DAMAGE("thread_who", thread->who, SEGMENT_THREAD_WHO(7, 8));
    WRITE_DAMAGE("thread_callsite", thread->who,
                 SEGMENT_THREAD_WHO(SEGMENT_BUILD_TID, UINT32_MAX));
    WRITE_DAMAGE("thread_labels", thread->labels, UINT64_MAX);
    WRITE_DAMAGE("thread_no_labels", thread->labels, 0);

    /* Its id again in another place, later, without labels. */
    DAMAGE(&input, thread[3].who, SEGMENT_THREAD_WHO(SEGMENT_BUILD_TID, 0));
    DAMAGE(&input, thread[3].labels, UINT64_C(1) << 60);
    write_input(&input, "segment_read", "thread_twice");
}

/* The file without so many pages at its end. */
static void write_cut(const char *name, size_t pages)
{
    struct input input = {.size = 0};

    put_number(&input, pages, 1);
    write_input(&input, "segment_read", name);
}

static void write_segments(void)
{
    size_t pages;

    segment_build_labelled(&segment);
    pages = segment_build_size(&segment) / 4096;
    write_headers();
    write_peak();
    write_records();
    write_labels();
    write_cut("sound", 0);
    write_cut("cut_page", 1);
    write_cut("cut_extents", pages - SEGMENT_EXTENTS_OFFSET / 4096 + 1);
    write_cut("cut_table", pages - 1);
    write_cut("cut_all", pages);
    segment_build_end(&segment);
}

/* ---- core files --------------------------------------------------------- */

/* Where the core of fuzz_core.c has its members, in the offsets of its inputs:
 * four program headers, the second and last of the segment, then its header. */
#define CORE(member) offsetof(Elf64_Ehdr, member)
#define CORE_LOAD(number, member)                                              \
    (sizeof(Elf64_Ehdr) + (number) * sizeof(Elf64_Phdr) +                      \
     offsetof(Elf64_Phdr, member))
#define CORE_SEGMENT(member)                                                   \
    (CORE_LOAD(4, p_type) + offsetof(struct segment_header, member))

static void put_core_damage(struct input *input, size_t offset, uint64_t value,
                            size_t size)
{
    put_number(input, offset, 2);
    put_number(input, size - 1, 1);
    put_number(input, value, size);
}

static void write_cores(void)
{
    static const uint64_t high = UINT64_C(1) << 63, page = 4096;
    static const uint64_t base = UINT64_C(0x7f0000000000); /* the segment's */
    const struct {
        const char *name;
        size_t offset;
        uint64_t value;
        size_t size;
    } inputs[] = {
        {"class32", EI_CLASS, ELFCLASS32, 1},
        {"no_core", CORE(e_type), ET_EXEC, 2},
        {"phnum_many", CORE(e_phnum), 0x1000, 2},
        {"phoff_far", CORE(e_phoff), high / 2, 8},
        {"phoff_wrap", CORE(e_phoff), -sizeof(Elf64_Phdr), 8},
        {"two_segments", CORE_LOAD(0, p_offset), 2 * page, 8},
        {"overlap", CORE_LOAD(0, p_vaddr), base, 8},
        {"no_segment", CORE_LOAD(1, p_type), PT_NOTE, 4},
        {"offset_far", CORE_LOAD(1, p_offset), high, 8},
        {"unaligned", CORE_LOAD(1, p_offset), 2 * page + 1, 8},
        {"missing", CORE_LOAD(3, p_type), PT_NOTE, 4},
        {"filesz_huge", CORE_LOAD(3, p_filesz), UINT64_C(1) << 40, 8},
        {"filesz_wrap", CORE_LOAD(3, p_filesz), UINT64_MAX, 8},
        {"magic", CORE_SEGMENT(magic), 'x', 1},
        {"version", CORE_SEGMENT(version), SEGMENT_VERSION + 1, 1},
    };
    struct input input = {.size = 0};

    write_input(&input, "core", "sound");
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        input.size = 0;
        put_core_damage(&input, inputs[i].offset, inputs[i].value,
                        inputs[i].size);
        write_input(&input, "core", inputs[i].name);
    }
    input.size = 0;
    put_core_damage(&input, CORE_LOAD(1, p_vaddr), high, 8);
    put_core_damage(&input, CORE_LOAD(3, p_vaddr),
                    high + SEGMENT_EXTENTS_OFFSET, 8);
    write_input(&input, "core", "high");
    input.size = 0;
    put_core_damage(&input, CORE(e_phnum), PN_XNUM, 2);
    put_core_damage(&input, CORE(e_shoff), sizeof(Elf64_Ehdr), 8);
    write_input(&input, "core", "phnum_all");
}

/* ---- unwind tables ------------------------------------------------------ */

/* Text of bytes with their length; there are NULs in it. */
#define BYTES(literal) ((struct text){literal, sizeof(literal) - 1})
struct text {
    const char *bytes;
    size_t size;
};

#define DEF_CFA "\x0c\x07\x08\x90\x01" /* CFA = rsp + 8, ra at CFA - 8 */
#define CIE     BYTES("\x01zR\0\x01\x78\x10\x01\x1b" DEF_CFA)

/* .eh_frame_hdr with a table of one, a CIE with what follows its id, an FDE
 * with an address and length of 4 bytes, and its instructions. */
static void write_cfi(const char *name, struct text cie, struct text program)
{
    enum { HEADER_SIZE = 20 };
    struct input input = {.size = 0};
    size_t cie_at = HEADER_SIZE, fde_at = cie_at + 8 + cie.size;
    size_t size = fde_at + 8 + 9 + program.size;

    put_number(&input, 0, 2); /* the header is at 0 */
    put_number(&input, size / 2, 2);
    put(&input, "\x01\x1b\x03\x3b", 4);
    put_number(&input, cie_at - 4, 4);
    put_number(&input, 1, 4);
    put_number(&input, 0, 4); /* the code is the object from its start */
    put_number(&input, fde_at, 4);
    put_number(&input, 4 + cie.size, 4);
    put_number(&input, 0, 4);
    put(&input, cie.bytes, cie.size);
    put_number(&input, 4 + 9 + program.size, 4);
    put_number(&input, fde_at + 4 - cie_at, 4);
    put_number(&input, -(fde_at + 8), 4);
    put_number(&input, size, 4);
    put_number(&input, 0, 1);
    put(&input, program.bytes, program.size);
    write_input(&input, "cfi", name);
}

static void write_instructions(void)
{
    static const struct {
        const char *name;
        struct text program;
    } inputs[] = {
        {"plain", BYTES("")},
        {"push_rbp", BYTES("\x41\x0e\x10\x86\x02\x43\x0d\x06")},
        {"return", BYTES("\x41\x0e\x10\x86\x02\x43\x0d\x06\x4a\x0c\x07\x08")},
        {"set_loc", BYTES("\x01\x10\0\0\0\x0e\x10")},
        {"advance", BYTES("\x02\x01\x03\x01\0\x04\x01\0\0\0\x0e\x10")},
        {"advance_far",
         BYTES("\x04\xff\xff\xff\xff\x04\xff\xff\xff\xff\x0e\x10")},
        {"offset_extended", BYTES("\x05\x06\x02\x05\x10\x03")},
        {"offset_sf", BYTES("\x11\x06\x7e\x11\x10\x01")},
        {"offset_negative", BYTES("\x2f\x06\x02")},
        {"offset_huge", BYTES("\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\x7f")},
        {"offset_least",
         BYTES("\x11\x06\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f")},
        {"restore", BYTES("\x86\x02\xc6\x06\x10")},
        {"undefined", BYTES("\x07\x10")},
        {"same_value", BYTES("\x86\x02\x08\x06")},
        {"register", BYTES("\x09\x06\x03\x14\x10\x01\x15\x03\x7f")},
        {"states", BYTES("\x0a\x0e\x20\x0b")},
        {"states_many", BYTES("\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a")},
        {"states_none", BYTES("\x0b")},
        {"def_cfa", BYTES("\x0c\x06\x10\x0d\x07\x0e\x80\x01")},
        {"def_cfa_sf", BYTES("\x12\x07\x7e\x13\x7d")},
        {"def_cfa_huge", BYTES("\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {"expression",
         BYTES("\x0f\x02\x77\x08\x10\x06\x01\x30\x16\x10\x01\x30")},
        {"expression_long", BYTES("\x0f\xff\xff\xff\xff\xff\xff\xff\xff\x7f")},
        {"args_size", BYTES("\x2e\x10\x00\x00")},
        {"unknown", BYTES("\x3f")},
        {"leb_long",
         BYTES("\x0e\x90\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0")},
    };

    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
        write_cfi(inputs[i].name, CIE, inputs[i].program);
}

static void write_cies(void)
{
    static const struct {
        const char *name;
        struct text cie;
    } inputs[] = {
        {"cie_version_3", BYTES("\x03zR\0\x01\x78\x10\x01\x1b" DEF_CFA)},
        {"cie_version_4", BYTES("\x04zR\0\x08\0\x01\x78\x10\x01\x1b" DEF_CFA)},
        {"cie_version_9", BYTES("\x09zR\0\x01\x78\x10\x01\x1b" DEF_CFA)},
        {"cie_personality",
         BYTES("\x01zPLR\0\x01\x78\x10\x07\x9b\0\0\0\0\x1b\x1b" DEF_CFA)},
        {"cie_signal", BYTES("\x01zRS\0\x01\x78\x10\x01\x1b" DEF_CFA)},
        {"cie_absolute", BYTES("\x01\0\x01\x78\x10" DEF_CFA)},
        {"cie_udata2", BYTES("\x01zR\0\x01\x78\x10\x01\x12" DEF_CFA)},
        {"cie_eh", BYTES("\x01"
                         "eh\0\0\0\0\0\0\0\0\0\x01\x78\x10" DEF_CFA)},
        {"cie_endless", BYTES("\x01zRRRRRRRRRRRRRRRRRR")},
        {"cie_other_ra", BYTES("\x01zR\0\x01\x78\x11\x01\x1b" DEF_CFA)},
        {"cie_align",
         BYTES("\x03zR\0\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f\x10"
               "\x01\x1b" DEF_CFA)},
    };

    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
        write_cfi(inputs[i].name, inputs[i].cie, BYTES("\x41\x0e\x10\x86\x02"));
}

/* ---- requests ----------------------------------------------------------- */

static void write_requests(void)
{
    static const struct {
        const char *name, *body;
    } inputs[] = {
        {"heap", "kind=heap\npid=4711\n"},
        {"allocs", "kind=allocs\npid=4711\nformat=text\ndebug=1\n"},
        {"peak", "kind=peak\npid=4711\nformat=text\n"},
        {"labels", "kind=block\npid=4711\nformat=text\nlimit=3\n"},
        {"folded", "kind=heap\npid=4711\nformat=folded\n"},
        {"goroutine", "kind=goroutine\npid=4711\nformat=text\ndebug=2\n"},
        {"mutex", "kind=mutex\npid=4711\nformat=text\n"},
        {"block", "kind=block\npid=4711\n"},
        {"list", "kind=list\ndir=/nowhere\n"},
        {"vars", "kind=vars\npid=4711\n"},
        {"counts", "kind=counts\npid=4711\n"},
        {"cmdline", "kind=cmdline\npid=4711\n"},
        {"symbol", "kind=symbol\npid=4711\nsymbols=0x401110+0b11+0o7+9+0x\n"},
        {"symbol_long",
         "kind=symbol\npid=4711\nsymbols=0x0000000000000000000000000000000000"
         "0000000000000000000000000000000000000000401110+-1+"
         "18446744073709551616"
         "\n"},
        {"truncated", "kind=heap\npid=4712\n"},
        {"no_process", "kind=heap\npid=4713\n"},
        {"no_pid", "kind=heap\n"},
        {"no_kind", "pid=4711\n"},
        {"no_newline", "kind=heap\npid=4711"},
        {"bad_kind", "kind=\x01\xff\npid=4711\n"},
        {"bad_pid", "kind=heap\npid=2147483648\n"},
        {"bad_debug", "kind=heap\npid=4711\ndebug=-1\n"},
        {"bad_format", "kind=heap\npid=4711\nformat=svg\n"},
        {"bad_key", "kind=heap\nfrob=1\n"},
        {"twice", "kind=heap\nkind=heap\n"},
    };

    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct input input = {.size = 0};

        put(&input, inputs[i].body, strlen(inputs[i].body));
        write_input(&input, "render", inputs[i].name);
    }
}

/* ---- rings -------------------------------------------------------------- */

/* What a writer does: fuzz_trace.c. */
enum { MOMENT, OVERWRITE, MOMENTS, SKIP, TABLE, DRAIN };

static void put_moment(struct input *input, enum segment_event event,
                       uint32_t tid, uint32_t callsite, uint32_t end_us,
                       uint32_t delay_us)
{
    put_number(input, MOMENT, 1);
    put_number(input, event + 8 * (tid - 1), 1);
    put_number(input, callsite, 1);
    put_number(input, end_us, 2);
    put_number(input, delay_us, 2);
}

static void put_overwrite(struct input *input, uint32_t element,
                          struct segment_moment moment)
{
    put_number(input, OVERWRITE, 1);
    put_number(input, element, 2);
    put(input, &moment, sizeof(moment));
}

static void put_moments(struct input *input, uint64_t moments)
{
    put_number(input, MOMENTS, 1);
    put_number(input, moments, 8);
}

/* Each kind, two threads, stacks with labels and without, in and out of turn.
 */
static void put_sound(struct input *input)
{
    put_moment(input, SEGMENT_EVENT_CPU, 1, 8, 10000, 10000);
    put_moment(input, SEGMENT_EVENT_CPU, 1, 11, 20000, 10000);
    put_moment(input, SEGMENT_EVENT_BLOCK, 2, 9, 30000, 25000);
    put_moment(input, SEGMENT_EVENT_MUTEX, 1, 10, 29000, 25000);
    put_number(input, DRAIN, 1);
    put_moment(input, SEGMENT_EVENT_THREAD, 2, 11, 31000, 0);
    put_moment(input, SEGMENT_EVENT_CPU, 1, 8, 60000, 10000);
    put_moment(input, SEGMENT_EVENT_CPU, 1, SEGMENT_SINK_BLOCKED, 60000, 30000);
}

static void write_ring(const char *name, const struct input *input)
{
    write_input(input, "trace", name);
}

static void write_rings(void)
{
    struct input input = {.size = 0};
    uint64_t word = SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_MOMENTS, 0,
                                        3 * SEGMENT_MOMENTS_PER_EXTENT);

    put_sound(&input);
    write_ring("sound", &input);

    put_number(&input, SKIP, 1);
    put_number(&input, 1000, 2);
    put_moment(&input, SEGMENT_EVENT_BLOCK, 1, 8, 1, 1);
    write_ring("skipped", &input);

    put_moments(&input, SEGMENT_MOMENTS - 1);
    put_moment(&input, SEGMENT_EVENT_CPU, 1, 8, 1, 1); /* nowhere */
    put_sound(&input);
    write_ring("second_turn", &input);

    put_moments(&input, UINT64_MAX);
    put_sound(&input);
    write_ring("around", &input);

    input.size = 0;
    put_sound(&input);
    put_overwrite(&input, 0, (struct segment_moment){.state = 1});
    put_overwrite(&input, 1, (struct segment_moment){.state = 3});
    put_overwrite(&input, 2, (struct segment_moment){.state = 8});
    put_overwrite(&input, 3,
                  (struct segment_moment){.state = 8,
                                          .end_ns = 1,
                                          .delay_ns = UINT64_MAX,
                                          .callsite = UINT32_MAX,
                                          .thread = UINT32_MAX});
    put_overwrite(&input, 4,
                  (struct segment_moment){.state = 10,
                                          .end_ns = UINT64_MAX,
                                          .callsite = 8,
                                          .thread = SEGMENT_EVENT_CPU});
    put_number(&input, DRAIN, 1);
    put_moments(&input, 3);
    write_ring("words", &input);

    input.size = 0;
    put_sound(&input);
    put_number(&input, TABLE, 1);
    put_number(&input, 9, 1);
    put_number(&input, word, 8);
    put_sound(&input);
    write_ring("table", &input);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: corpus_write tests/fuzz/corpus\n", stderr);
        return 2;
    }
    corpus = argv[1];
    write_segments();
    write_cores();
    write_instructions();
    write_cies();
    write_requests();
    write_rings();
    return 0;
}
