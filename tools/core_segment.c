/* SPDX-License-Identifier: MIT */
/*
 * core_segment.c - see core_segment.h.
 *
 * The segment may be in several of the core's mappings, as its pages have
 * several protections; they are put together by address in an anonymous file,
 * which is then read as any segment is.
 */
#include "core_segment.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment_check.h"
#include "segment_extents.h"

/* The part of a mapping that is in the file. */
struct mapping {
    uint64_t start, size; /* addresses */
    uint64_t offset;
};

struct core {
    int fd;
    struct segment_error *error;
    struct mapping *mappings;
    size_t count;
};

static int read_at(const struct core *core, void *to, size_t size,
                   uint64_t offset)
{
    ssize_t got =
        offset > INT64_MAX ? 0 : pread(core->fd, to, size, (off_t)offset);

    if (got == (ssize_t)size)
        return 0;
    if (got < 0)
        return segment_error_set(core->error, -errno, offset, "%s",
                                 strerror(errno));
    return segment_error_set(core->error, -EINVAL, offset + (uint64_t)got,
                             "truncated: the core ends here");
}

/* ---- ELF --------------------------------------------------------------- */

static bool read_elf_header(int fd, Elf64_Ehdr *header)
{
    return pread(fd, header, sizeof(*header), 0) == sizeof(*header) &&
           memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_type == ET_CORE;
}

bool core_is(int fd)
{
    Elf64_Ehdr header;

    return read_elf_header(fd, &header);
}

/* More program headers than fit e_phnum are counted in section 0. */
static int count_headers(const struct core *core, const Elf64_Ehdr *header,
                         uint64_t *count)
{
    Elf64_Shdr section;
    int err = 0;

    *count = header->e_phnum;
    if (header->e_phnum == PN_XNUM) {
        err = read_at(core, &section, sizeof(section), header->e_shoff);
        *count = err ? 0 : section.sh_info;
    }
    if (*count > CORE_MAPPINGS_MAX)
        return segment_error_set(core->error, -EINVAL, 0,
                                 "%" PRIu64 " mappings are more than %u",
                                 *count, CORE_MAPPINGS_MAX);
    return err;
}

static void add_mapping(struct core *core, const Elf64_Phdr *header)
{
    if (header->p_type != PT_LOAD || header->p_filesz == 0 ||
        header->p_filesz > UINT64_MAX - header->p_vaddr)
        return;
    core->mappings[core->count++] = (struct mapping){
        .start = header->p_vaddr,
        .size = header->p_filesz,
        .offset = header->p_offset,
    };
}

static int read_mappings(struct core *core)
{
    Elf64_Ehdr header;
    Elf64_Phdr entry;
    uint64_t count;
    int err;

    if (!read_elf_header(core->fd, &header) ||
        header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_phentsize != sizeof(entry))
        return segment_error_set(core->error, -EINVAL, 0,
                                 "no core file of a 64-bit machine");
    err = count_headers(core, &header, &count);
    if (err)
        return err;
    core->mappings = calloc(count + 1, sizeof(*core->mappings));
    if (!core->mappings)
        return segment_error_memory(core->error);
    for (uint64_t i = 0; !err && i < count; i++) {
        err = read_at(core, &entry, sizeof(entry),
                      header.e_phoff + i * sizeof(entry));
        if (!err)
            add_mapping(core, &entry);
    }
    return err;
}

/* ---- the segment ------------------------------------------------------- */

/* Reads the header of a segment that begins a mapping. Returns 1 when there is
 * none. */
static int read_segment_header(const struct core *core,
                               const struct mapping *mapping,
                               struct segment_header *header)
{
    char magic[sizeof(header->magic)];

    if (mapping->size < SEGMENT_HEADER_SIZE || mapping->offset > INT64_MAX ||
        pread(core->fd, magic, sizeof(magic), (off_t)mapping->offset) !=
            (ssize_t)sizeof(magic) ||
        memcmp(magic, SEGMENT_MAGIC, sizeof(magic)) != 0)
        return 1;
    if (read_at(core, header, sizeof(*header), mapping->offset) != 0)
        return -EINVAL;
    return segment_check_header(header, UINT64_MAX, core->error);
}

/* The youngest sound segment. */
static int find_segment(const struct core *core, const struct mapping **found,
                        struct segment_header *best)
{
    struct segment_header header = {.created_ns = 0};
    int err = 1;

    *found = NULL;
    for (size_t i = 0; i < core->count; i++) {
        int problem = read_segment_header(core, &core->mappings[i], &header);

        if (problem && err == 1)
            err = problem;
        if (problem || (*found && header.created_ns <= best->created_ns))
            continue;
        *found = &core->mappings[i];
        *best = header;
    }
    if (*found)
        return 0;
    if (err == 1)
        return segment_error_set(
            core->error, -ENOENT, SEGMENT_ERROR_NOWHERE,
            "this core holds no segment: bit 3 of the process's "
            "coredump_filter lets it in, see core(5)");
    return err;
}

static int copy_bytes(const struct core *core, uint64_t from, int to,
                      uint64_t at, uint64_t size)
{
    static char buffer[SEGMENT_EXTENT_SIZE];

    while (size > 0) {
        size_t piece = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);
        int err = read_at(core, buffer, piece, from);

        if (err)
            return err;
        if (pwrite(to, buffer, piece, (off_t)at) != (ssize_t)piece)
            return segment_error_set(core->error, -EIO, SEGMENT_ERROR_NOWHERE,
                                     "no memory for its segment");
        from += piece;
        at += piece;
        size -= piece;
    }
    return 0;
}

/* Copies what the core has of `size` bytes at `start` to a file. */
static int copy_segment(const struct core *core, uint64_t start, uint64_t size,
                        int to)
{
    uint64_t copied = 0;

    for (size_t i = 0; i < core->count; i++) {
        const struct mapping *mapping = &core->mappings[i];
        uint64_t low = mapping->start > start ? mapping->start : start;
        uint64_t high = mapping->start + mapping->size;
        int err;

        if (high > start + size)
            high = start + size;
        if (low >= high)
            continue;
        copied += high - low;
        if (copied > size)
            return segment_error_set(core->error, -EINVAL, mapping->offset,
                                     "mappings overlap");
        err = copy_bytes(core, mapping->offset + (low - mapping->start), to,
                         low - start, high - low);
        if (err)
            return err;
    }
    if (copied < size)
        return segment_error_set(core->error, -EINVAL, SEGMENT_ERROR_NOWHERE,
                                 "%" PRIu64 " of the %" PRIu64
                                 " bytes of its segment are not in this core",
                                 size - copied, size);
    return 0;
}

/* A process that never recorded has its header page alone. */
static uint64_t used_size(const struct segment_header *header)
{
    return header->extents_used ? segment_extent_offset(header->extents_used)
                                : SEGMENT_HEADER_SIZE;
}

/* The profile is as old as the core. */
static void keep_time(int from, int to)
{
    struct stat status;

    if (fstat(from, &status) == 0) {
        const struct timespec times[] = {status.st_mtim, status.st_mtim};

        futimens(to, times);
    }
}

static int extract(struct core *core, int to)
{
    const struct mapping *mapping;
    struct segment_header header = {.extents_used = 0};
    int err = read_mappings(core);

    if (!err)
        err = find_segment(core, &mapping, &header);
    if (!err && mapping->start > SEGMENT_ADDRESS_MAX)
        err = segment_error_set(core->error, -EINVAL, mapping->offset,
                                "a segment above the address space");
    if (!err &&
        ftruncate(to, (off_t)segment_extent_offset(header.extents_used)) != 0)
        err = segment_error_set(core->error, -errno, SEGMENT_ERROR_NOWHERE,
                                "%s", strerror(errno));
    if (!err)
        err = copy_segment(core, mapping->start, used_size(&header), to);
    if (!err)
        keep_time(core->fd, to);
    free(core->mappings);
    return err;
}

int core_segment_read(int fd, const char *path, enum segment_parts parts,
                      struct segment_snapshot **snapshot,
                      struct segment_error *error)
{
    struct core core = {.fd = fd, .error = error};
    int copy = memfd_create("preprof-core", MFD_CLOEXEC), err;

    *snapshot = NULL;
    segment_error_begin(error, path);
    if (copy < 0)
        return segment_error_set(error, -errno, SEGMENT_ERROR_NOWHERE, "%s",
                                 strerror(errno));
    err = extract(&core, copy);
    if (!err)
        err = segment_read_fd(copy, path, parts, snapshot, error);
    close(copy);
    return err;
}
