/* SPDX-License-Identifier: MIT */
/*
 * segment_copy.c - see segment_copy.h.
 *
 * A live segment changes under the reader, so it is read twice:
 *
 *   pass 1  free counters; which callsites are published
 *   pass 2  alloc counters; what rows had at the peak; the bodies of
 *           callsites, nodes, modules, strings, threads, labels
 *
 * Every free is counted after its alloc, so the frees that pass 1 saw are
 * among the allocs that pass 2 sees and nothing comes out negative. Everything
 * a callsite refers to was published before the callsite was, hence before
 * pass 2 began, and its copy is complete. Nodes and modules that only pass 2
 * saw are referred to by no callsite that is kept.
 *
 * The same two passes over a dump, which does not change, cost little.
 */
#include "segment_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment_check.h"

struct reader {
    int fd;
    uint64_t file_size;
    struct segment_error *error;
    struct segment_snapshot *snapshot;
    struct segment_header header; /* as the current pass found it */
    struct segment_extents *extents;
    struct segment_sum *sums; /* by callsite; the first is not used */
    union {
        struct segment_row rows[SEGMENT_ROWS_PER_EXTENT];
        struct segment_callsite callsites[SEGMENT_CALLSITES_PER_EXTENT];
        struct segment_event_row events[SEGMENT_EVENTS_PER_EXTENT];
    } piece;        /* the one at hand ... */
    uint32_t owner; /* ... and its extent's owner */
    struct segment_peak saved[SEGMENT_ROWS_PER_EXTENT]; /* of piece.rows */
};

static int read_at(struct reader *reader, void *data, size_t size,
                   uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pread(reader->fd, (char *)data + done, size - done,
                          (off_t)(offset + done));

        if (n < 0 && errno != EINTR)
            return segment_error_set(reader->error, -errno, offset + done, "%s",
                                     strerror(errno));
        if (n == 0)
            return segment_error_set(reader->error, -EINVAL, offset + done,
                                     "truncated: the file ends here");
        if (n > 0)
            done += (size_t)n;
    }
    return 0;
}

static int read_header(struct reader *reader)
{
    uint64_t file_size = reader->file_size;
    uint32_t count;
    int err = read_at(reader, &reader->header,
                      segment_least(file_size, sizeof(reader->header)), 0);

    if (!err)
        err = segment_check_header(&reader->header, file_size, reader->error);
    if (err)
        return err;
    count = reader->header.extents_used;
    reader->extents->count = count;
    err = read_at(reader, reader->extents->words, count * sizeof(uint64_t),
                  SEGMENT_EXTENT_TABLE_OFFSET);
    return err ? err : segment_extents_check(reader->extents, reader->error);
}

/* ---- pieces ------------------------------------------------------------ */

/* Takes elements `base` to `base + elements` of an array from reader->piece. */
typedef void piece_taker(struct reader *reader, uint32_t base,
                         uint32_t elements);

/* Reads the first `count` elements of an array, an extent at a time: to their
 * place in `array` when there is one, else for take(). */
static int read_pieces(struct reader *reader, enum segment_extent_type type,
                       uint32_t count, void *array, piece_taker *take)
{
    size_t size = segment_element_size(type);

    for (uint32_t i = 0; i < reader->extents->count; i++) {
        uint64_t word = reader->extents->words[i];
        uint32_t base = SEGMENT_EXTENT_BASE(word), elements;
        int err;

        if (SEGMENT_EXTENT_TYPE(word) != (uint32_t)type || base >= count)
            continue;
        elements = segment_extent_elements(word, count);
        err = read_at(reader,
                      array ? (char *)array + base * size
                            : (void *)&reader->piece,
                      elements * size, segment_extent_offset(i));
        if (err)
            return err;
        reader->owner = SEGMENT_EXTENT_OWNER(word);
        if (take)
            take(reader, base, elements);
    }
    return 0;
}

/* ---- counters ---------------------------------------------------------- */

/* Row 0 is struct segment_calls, whose frees are in another place. */
static void add_calls(struct segment_calls *sum, const struct segment_row *row,
                      bool frees)
{
    struct segment_calls calls;

    memcpy(&calls, row, sizeof(calls));
    if (frees) {
        segment_add(&sum->frees, calls.frees);
        segment_add(&sum->unknown_frees, calls.unknown_frees);
    } else {
        segment_add(&sum->allocs, calls.allocs);
    }
}

static void add_row(struct reader *reader, uint32_t callsite,
                    const struct segment_row *row, bool frees)
{
    struct segment_sum *sum = &reader->sums[callsite];

    if (callsite == SEGMENT_SINK_NONE)
        add_calls(&reader->snapshot->calls, row, frees);
    else if (frees)
        segment_sum_add_frees(sum, row);
    else
        segment_sum_add_allocs(sum, row);
}

static void take_frees(struct reader *reader, uint32_t base, uint32_t elements)
{
    for (uint32_t i = 0; i < elements; i++)
        add_row(reader, base + i, &reader->piece.rows[i], true);
}

static void take_allocs(struct reader *reader, uint32_t base, uint32_t elements)
{
    for (uint32_t i = 0; i < elements; i++)
        add_row(reader, base + i, &reader->piece.rows[i], false);
}

static void take_events(struct reader *reader, uint32_t base, uint32_t elements)
{
    struct segment_event_row *to = reader->snapshot->events[reader->owner];

    if (to)
        memcpy(to + base, reader->piece.events, elements * sizeof(to[0]));
}

static int read_counters(struct reader *reader, bool frees)
{
    for (uint32_t i = 0; i < SEGMENT_SINK_COUNT; i++)
        add_row(reader, i, &reader->header.sinks[i], frees);
    return read_pieces(reader, SEGMENT_EXTENT_COUNTERS,
                       reader->snapshot->callsite_count, NULL,
                       frees ? take_frees : take_allocs);
}

/* What was saved for the `elements` rows of an extent of counters: nothing,
 * which is zeros, where a shard found no room for it. */
static int read_saved(struct reader *reader, uint64_t rows_word,
                      uint32_t elements)
{
    uint32_t base = SEGMENT_EXTENT_BASE(rows_word);
    uint32_t place = base % SEGMENT_PEAKS_PER_EXTENT;
    uint64_t word = SEGMENT_EXTENT_WORD(
        SEGMENT_EXTENT_PEAKS, SEGMENT_EXTENT_OWNER(rows_word), base - place);

    memset(reader->saved, 0, sizeof(reader->saved));
    for (uint32_t i = 0; i < reader->extents->count; i++)
        if (reader->extents->words[i] == word)
            return read_at(
                reader, reader->saved, elements * sizeof(reader->saved[0]),
                segment_extent_offset(i) + place * sizeof(reader->saved[0]));
    return 0;
}

/* Of one extent of counters. A row says that it is saved after its values are
 * there: so the rows are read first. */
static int read_peaks_of(struct reader *reader, uint32_t index)
{
    uint32_t epoch = reader->header.peak_epoch;
    uint64_t word = reader->extents->words[index];
    uint32_t base = SEGMENT_EXTENT_BASE(word);
    uint32_t elements =
        segment_extent_elements(word, reader->snapshot->callsite_count);
    int err = read_at(reader, reader->piece.rows,
                      elements * sizeof(reader->piece.rows[0]),
                      segment_extent_offset(index));

    if (!err)
        err = read_saved(reader, word, elements);
    for (uint32_t i = base == 0; !err && i < elements; i++)
        segment_sum_add_peak(&reader->sums[base + i], &reader->piece.rows[i],
                             &reader->saved[i], epoch);
    return err;
}

/* Without an epoch there is no peak but now. */
static int read_peaks(struct reader *reader)
{
    uint32_t epoch = reader->header.peak_epoch;
    int err = 0;

    for (uint32_t i = 1; epoch && i < SEGMENT_SINK_COUNT; i++)
        segment_sum_add_peak(&reader->sums[i], &reader->header.sinks[i], NULL,
                             epoch);
    for (uint32_t i = 0; epoch && !err && i < reader->extents->count; i++)
        if (SEGMENT_EXTENT_TYPE(reader->extents->words[i]) ==
            SEGMENT_EXTENT_COUNTERS)
            err = read_peaks_of(reader, i);
    return err;
}

static int read_events(struct reader *reader)
{
    struct segment_snapshot *snapshot = reader->snapshot;
    uint32_t count = snapshot->callsite_count;

    for (uint32_t i = 0; i < reader->extents->count; i++) {
        uint64_t word = reader->extents->words[i];
        uint32_t event = SEGMENT_EXTENT_OWNER(word);

        if (SEGMENT_EXTENT_TYPE(word) != SEGMENT_EXTENT_EVENTS ||
            event == SEGMENT_EVENT_NONE || snapshot->events[event])
            continue;
        snapshot->events[event] =
            calloc(count, sizeof(snapshot->events[event][0]));
        if (!snapshot->events[event])
            return segment_error_memory(reader->error);
    }
    return read_pieces(reader, SEGMENT_EXTENT_EVENTS, count, NULL, take_events);
}

/* ---- arrays ------------------------------------------------------------ */

/* Sinks have no stack, whatever is written in their place. */
static void take_callsites(struct reader *reader, uint32_t base,
                           uint32_t elements)
{
    struct segment_callsite *to = reader->snapshot->callsites + base;

    for (uint32_t i = 0; i < elements; i++)
        if (base + i >= SEGMENT_SINK_COUNT)
            to[i] = reader->piece.callsites[i];
}

/* Again, but none that was not there before. */
static void retake_callsites(struct reader *reader, uint32_t base,
                             uint32_t elements)
{
    struct segment_callsite *to = reader->snapshot->callsites + base;

    for (uint32_t i = 0; i < elements; i++)
        if (to[i].node)
            to[i] = reader->piece.callsites[i];
}

static int read_stacks(struct reader *reader)
{
    const struct segment_header *header = &reader->header;
    struct segment_snapshot *snapshot = reader->snapshot;
    int err;

    snapshot->node_count = header->nodes_used;
    snapshot->module_count = header->modules_used;
    snapshot->nodes = calloc(header->nodes_used, sizeof(snapshot->nodes[0]));
    /* One more than there are: there may be none. */
    snapshot->modules =
        calloc(header->modules_used + 1u, sizeof(snapshot->modules[0]));
    snapshot->strings = calloc(header->strings_used + 1u, 1);
    if (!snapshot->nodes || !snapshot->modules || !snapshot->strings)
        return segment_error_memory(reader->error);

    err = read_pieces(reader, SEGMENT_EXTENT_NODES, header->nodes_used,
                      snapshot->nodes, NULL);
    if (!err)
        err = read_pieces(reader, SEGMENT_EXTENT_MODULES, header->modules_used,
                          snapshot->modules, NULL);
    if (!err)
        err = read_pieces(reader, SEGMENT_EXTENT_STRINGS, header->strings_used,
                          snapshot->strings, NULL);
    return err;
}

static int read_threads(struct reader *reader)
{
    struct segment_snapshot *snapshot = reader->snapshot;

    snapshot->threads =
        calloc(SEGMENT_THREADS_MAX, sizeof(snapshot->threads[0]));
    return snapshot->threads
               ? read_pieces(reader, SEGMENT_EXTENT_THREADS,
                             SEGMENT_THREADS_MAX, snapshot->threads, NULL)
               : segment_error_memory(reader->error);
}

/* After what refers to them. */
static int read_labels(struct reader *reader)
{
    struct segment_snapshot *snapshot = reader->snapshot;
    uint32_t count = reader->header.labels_used;

    snapshot->label_count = count;
    snapshot->labels = calloc(count, sizeof(snapshot->labels[0]));
    return snapshot->labels ? read_pieces(reader, SEGMENT_EXTENT_LABELS, count,
                                          snapshot->labels, NULL)
                            : segment_error_memory(reader->error);
}

/* ---- the two passes ---------------------------------------------------- */

static int read_pass_1(struct reader *reader)
{
    struct segment_snapshot *snapshot = reader->snapshot;
    uint32_t count;
    int err = read_header(reader);

    if (err)
        return err;
    count = reader->header.callsites_used;
    snapshot->callsite_count = count;
    snapshot->callsites = calloc(count, sizeof(snapshot->callsites[0]));
    snapshot->values = calloc(count, sizeof(snapshot->values[0]));
    reader->sums = calloc(count, sizeof(reader->sums[0]));
    if (!snapshot->callsites || !snapshot->values || !reader->sums)
        return segment_error_memory(reader->error);
    err = read_counters(reader, true);
    return err ? err
               : read_pieces(reader, SEGMENT_EXTENT_CALLSITES, count, NULL,
                             take_callsites);
}

static int read_pass_2(struct reader *reader, enum segment_parts parts)
{
    int err = read_header(reader);

    if (!err)
        err = read_counters(reader, false);
    if (!err)
        err = read_peaks(reader);
    if (!err)
        err = read_events(reader);
    if (!err)
        err = read_pieces(reader, SEGMENT_EXTENT_CALLSITES,
                          reader->snapshot->callsite_count, NULL,
                          retake_callsites);
    if (!err && parts & SEGMENT_READ_STACKS)
        err = read_stacks(reader);
    if (!err && parts & SEGMENT_READ_THREADS)
        err = read_threads(reader);
    if (!err && parts != SEGMENT_READ_TOTALS)
        err = read_labels(reader);
    reader->snapshot->header = reader->header;
    return err;
}

int segment_copy(int fd, uint64_t file_size, enum segment_parts parts,
                 struct segment_copy *copy, struct segment_error *error)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    int err;

    if (!reader)
        return segment_error_memory(error);
    reader->fd = fd;
    reader->file_size = file_size;
    reader->error = error;
    reader->snapshot = copy->snapshot;
    reader->extents = &copy->extents;
    err = read_pass_1(reader);
    if (!err)
        err = read_pass_2(reader, parts);
    copy->sums = reader->sums;
    free(reader);
    return err;
}
