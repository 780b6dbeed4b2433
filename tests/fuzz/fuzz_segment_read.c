/* SPDX-License-Identifier: MIT */
/*
 * fuzz_segment_read.c - a hostile segment, from the file to every writer.
 *
 * The input is damage to a small sound segment with labels (segment_build.h):
 *
 *   u8 pages     how many pages are cut off the end
 *   repeated     u8 region, u16 offset, u8 length (mod 16, plus 1), the bytes
 *
 * An offset counts from the start of its region and wraps in it, so that most
 * damage hits what is read. Whatever comes out keeps the promises of
 * segment_read.h, and its profile those of profile.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "pprof_check.h"
#include "profile.h"
#include "profile_folded.h"
#include "profile_from_threads.h"
#include "profile_pprof.h"
#include "profile_text.h"
#include "profile_top.h"
#include "segment_build.h"
#include "segment_read.h"
#include "snapshot_check.h"
#include "symbolize.h"
#include "thread_record.h"
#include "thread_text.h"

static struct segment_build sound;
static size_t sound_size;

/* ---- the file ----------------------------------------------------------- */

/* Header, table and what each extent holds, with some unused of each. */
static uint8_t *region_at(unsigned region, size_t *size)
{
    unsigned extents = sound.header->extents_used;

    region %= extents + 2;
    if (region == 0) {
        *size = sizeof(struct segment_header);
        return sound.bytes;
    }
    if (region == 1) {
        *size = (extents + 2) * 8;
        return sound.bytes + SEGMENT_EXTENT_TABLE_OFFSET;
    }
    *size = 1024;
    return sound.bytes + SEGMENT_EXTENTS_OFFSET +
           (region - 2) * SEGMENT_EXTENT_SIZE;
}

/* Writes the damage to the file, or what was there before. */
static void apply(int fd, const uint8_t *data, size_t size, bool damage)
{
    const uint8_t *end = data + size;

    while (end - data >= 5) {
        size_t room;
        uint8_t *region = region_at(data[0], &room);
        size_t offset = (data[1] | (size_t)data[2] << 8) % room;
        size_t length = data[3] % 16 + 1u;

        data += 4;
        if (length > (size_t)(end - data))
            length = (size_t)(end - data);
        if (length > room - offset)
            length = room - offset;
        REQUIRE(pwrite(fd, damage ? data : region + offset, length,
                       region + offset - sound.bytes) == (ssize_t)length);
        data += length;
    }
}

/* ---- the profile -------------------------------------------------------- */

static void check_folded(const struct profile *profile, int value)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int64_t sum = 0;

    REQUIRE(out && profile_folded_write(profile, value, out) == 0);
    fclose(out);
    for (char *line = text, *end; *line; line = end + 1) {
        int64_t amount;
        char *space;

        end = strchr(line, '\n');
        REQUIRE(end);
        *end = '\0';
        space = strrchr(line, ' ');
        REQUIRE(space && space > line);
        amount = strtoll(space, NULL, 10);
        REQUIRE(amount > 0);
        if (__builtin_add_overflow(sum, amount, &sum))
            sum = INT64_MAX;
    }
    REQUIRE(sum == profile->total[value]);
    free(text);
}

static void check_pprof(const struct profile *profile)
{
    uint8_t *bytes;
    size_t size;
    PprofProfile *read;

    REQUIRE(profile_pprof_write(profile, &bytes, &size) == 0);
    read = pprof_read(bytes, size);
    REQUIRE(!pprof_fault(read));
    for (size_t i = 0; i < read->n_sample_type; i++)
        REQUIRE(pprof_sum(read, i) == profile->total[i]);
    pprof_free(read);
    free(bytes);
}

static void check_profile(const struct segment_snapshot *snapshot,
                          const char *kind)
{
    struct symbolizer *symbolizer = symbolizer_new();
    struct profile *profile =
        profile_from_segment(snapshot, symbolizer, profile_kind_find(kind));
    FILE *null = fopen("/dev/null", "we");

    REQUIRE(profile && null);
    check_pprof(profile);
    for (int i = 0; i < profile->kind->value_count; i++) {
        check_folded(profile, i);
        REQUIRE(profile_top_write(profile, i, 10, null) == 0);
    }
    REQUIRE(profile_text_write(profile, NULL, null) == 0);
    fclose(null);
    profile_free(profile);
    symbolizer_free(symbolizer);
}

/* The profile of a thread, as the segment knows it. */
static void check_thread(struct segment_snapshot *snapshot)
{
    uint64_t address = 0x1234;
    struct thread thread = {
        .tid = SEGMENT_BUILD_TID,
        .addresses = &address,
        .depth = 1,
        .labels = thread_record_labels(snapshot, SEGMENT_BUILD_TID, 0),
    };
    struct thread_dump dump = {
        .threads = &thread, .count = 1, .snapshot = snapshot};
    struct symbolizer *symbolizer = symbolizer_new();
    struct profile *profile =
        profile_from_threads(&dump, symbolizer, profile_kind_find("goroutine"));
    FILE *null = fopen("/dev/null", "we");
    uint32_t callsite = thread_record_creation(snapshot, SEGMENT_BUILD_TID, 0);

    REQUIRE(profile && null);
    REQUIRE(!callsite || snapshot->callsites[callsite].node);
    REQUIRE((profile_labels(profile, &profile->samples[0]).count > 0) ==
            (thread.labels > 0));
    check_pprof(profile);
    REQUIRE(profile_text_write(profile, NULL, null) == 0);
    REQUIRE(thread_text_write(&dump, profile, null) == 0);
    fclose(null);
    profile_free(profile);
    symbolizer_free(symbolizer);
}

/* ---- the target --------------------------------------------------------- */

static void read_file(int fd, unsigned parts)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    char line[SEGMENT_ERROR_LINE_SIZE];

    if (segment_read_fd(fd, "fuzz", parts, &snapshot, &error) == 0) {
        REQUIRE(!snapshot_fault(snapshot, parts & SEGMENT_READ_STACKS));
        if (parts & SEGMENT_READ_STACKS) {
            check_profile(snapshot, "heap");
            check_profile(snapshot, "peak");
            check_profile(snapshot, "block");
        }
        if (parts == (SEGMENT_READ_STACKS | SEGMENT_READ_THREADS))
            check_thread(snapshot);
    } else {
        segment_error_line(&error, line, sizeof(line));
        REQUIRE(!snapshot && strncmp(line, "fuzz:", 5) == 0 && line[5]);
    }
    segment_snapshot_free(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    size_t cut = size ? data[0] * 4096u : 0;

    if (fd < 0) {
        segment_build_labelled(&sound);
        sound_size = segment_build_size(&sound);
        fd = segment_build_file(&sound, sound_size);
    }
    if (size == 0)
        return 0;
    apply(fd, data + 1, size - 1, true);
    if (cut)
        REQUIRE(ftruncate(fd, cut < sound_size ? (off_t)(sound_size - cut)
                                               : 0) == 0);
    read_file(fd, SEGMENT_READ_TOTALS);
    read_file(fd, SEGMENT_READ_STACKS | SEGMENT_READ_THREADS);
    if (cut) {
        close(fd);
        fd = segment_build_file(&sound, sound_size);
    } else {
        apply(fd, data + 1, size - 1, false);
    }
    return 0;
}
