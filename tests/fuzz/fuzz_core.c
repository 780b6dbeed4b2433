/* SPDX-License-Identifier: MIT */
/*
 * fuzz_core.c - a hostile core file around a sound segment.
 *
 * The core has the segment (segment_build.h) in two mappings and something else
 * before and between them. The input is damage to the ELF header, the program
 * headers and the segment's header:
 *
 *   repeated     u16 offset, u8 length (mod 16, plus 1), the bytes
 *
 * Undamaged, the core reads as the segment does; whatever comes out of a
 * damaged one keeps the promises of segment_read.h.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core_segment.h"
#include "fuzz_target.h"
#include "segment_build.h"
#include "snapshot_check.h"

#define PAGE    4096u
#define LOADS   4u
#define BASE    UINT64_C(0x7f0000000000) /* of the segment */
#define HEADERS (sizeof(Elf64_Ehdr) + LOADS * sizeof(Elf64_Phdr))

static struct segment_build sound;
static uint8_t *core;
static size_t core_size;

/* Its mappings: some memory; the segment to SPLIT; some memory; the rest. */
#define SPLIT SEGMENT_EXTENTS_OFFSET

static void build(void)
{
    size_t segment_size;

    segment_build_small(&sound);
    segment_size = segment_build_size(&sound);
    const Elf64_Phdr loads[LOADS] = {
        {.p_vaddr = 0x400000, .p_offset = PAGE, .p_filesz = PAGE},
        {.p_vaddr = BASE, .p_offset = 2 * PAGE, .p_filesz = SPLIT},
        {.p_vaddr = 0x600000, .p_offset = PAGE, .p_filesz = PAGE},
        {.p_vaddr = BASE + SPLIT,
         .p_offset = 2 * PAGE + SPLIT,
         .p_filesz = segment_size - SPLIT},
    };
    Elf64_Ehdr header = {
        .e_type = ET_CORE,
        .e_phoff = sizeof(header),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = LOADS,
    };

    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    core_size = 2 * PAGE + segment_size;
    core = calloc(1, core_size);
    REQUIRE(core);
    memcpy(core, &header, sizeof(header));
    for (size_t i = 0; i < LOADS; i++) {
        Elf64_Phdr load = loads[i];

        load.p_type = PT_LOAD;
        memcpy(core + sizeof(header) + i * sizeof(load), &load, sizeof(load));
    }
    memcpy(core + 2 * PAGE, sound.bytes, segment_size);
}

/* Offsets go through the headers first, then through the segment's. */
static uint64_t place(unsigned offset)
{
    offset %= HEADERS + sizeof(struct segment_header);
    return offset < HEADERS ? offset : 2 * PAGE + (offset - HEADERS);
}

/* Writes the damage to the file, or what was there before. */
static void apply(int fd, const uint8_t *data, size_t size, bool damage)
{
    while (size >= 4) {
        uint64_t at = place(data[0] | (unsigned)data[1] << 8);
        size_t length = data[2] % 16 + 1u;

        data += 3;
        size -= 3;
        if (length > size)
            length = size;
        REQUIRE(pwrite(fd, damage ? data : core + at, length, (off_t)at) ==
                (ssize_t)length);
        data += length;
        size -= length;
    }
}

static void read_core(int fd, bool damaged)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    char line[SEGMENT_ERROR_LINE_SIZE];

    if (core_segment_read(fd, "fuzz", SEGMENT_READ_STACKS, &snapshot, &error) ==
        0) {
        REQUIRE(!snapshot_fault(snapshot, true));
    } else {
        segment_error_line(&error, line, sizeof(line));
        REQUIRE(damaged && !snapshot && strncmp(line, "fuzz:", 5) == 0 &&
                line[5]);
    }
    segment_snapshot_free(snapshot);
}

/* The same values as without a core around them. */
static void check_sound(int fd)
{
    int plain = segment_build_file(&sound, segment_build_size(&sound));
    struct segment_snapshot *wanted, *got;
    struct segment_error error;

    REQUIRE(core_is(fd) && !core_is(plain));
    REQUIRE(
        segment_read_fd(plain, "fuzz", SEGMENT_READ_STACKS, &wanted, &error) ==
            0 &&
        core_segment_read(fd, "fuzz", SEGMENT_READ_STACKS, &got, &error) == 0);
    REQUIRE(got->callsite_count == wanted->callsite_count &&
            got->node_count == wanted->node_count &&
            wanted->total.alloc_objects > 0 &&
            memcmp(&got->total, &wanted->total, sizeof(got->total)) == 0 &&
            memcmp(got->values, wanted->values,
                   got->callsite_count * sizeof(got->values[0])) == 0);
    segment_snapshot_free(wanted);
    segment_snapshot_free(got);
    close(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;

    if (fd < 0) {
        build();
        fd = memfd_create("fuzz", 0);
        REQUIRE(fd >= 0 &&
                pwrite(fd, core, core_size, 0) == (ssize_t)core_size);
        check_sound(fd);
    }
    apply(fd, data, size, true);
    read_core(fd, size >= 4);
    apply(fd, data, size, false);
    /* Undoing in order leaves what the last of overlapping writes began with:
     * the sound bytes, each time. */
    read_core(fd, false);
    return 0;
}
