/* SPDX-License-Identifier: MIT */
/*
 * trace_ring.c - see trace_ring.h.
 *
 * The other half of shim/trace.c. An extent is copied twice, then `moments` is
 * read: the states of the first copy vouch for the rest of the second, and a
 * moment which `moments` says may have been overwritten by then is not taken.
 * Copies by pread() come in the order of the calls. What was still being
 * written is looked at again in the next drain.
 */
#include "trace_ring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "segment_extents.h"

#define MOMENTS SEGMENT_MOMENTS_PER_EXTENT
/* So many lost from one drain to the next say that too many come. */
#define OVERRUN_MIN (SEGMENT_MOMENTS / 64)

struct trace_ring {
    int fd;
    struct segment_trace first;               /* when the trace began */
    struct segment_trace last;                /* as of the last drain */
    uint64_t offsets[SEGMENT_MOMENT_EXTENTS]; /* in the file; 0 not yet there */
    uint64_t next[SEGMENT_MOMENTS]; /* by element: the least number not taken */
    struct segment_moment before[MOMENTS], after[MOMENTS]; /* two copies */
    struct segment_moment *list;
    size_t count, room;
    size_t waits;              /* and releases, of `count` */
    uint64_t short_ns, shorts; /* those left out here */
    unsigned thinned;
    uint64_t lost; /* when the last drain was over */
};

static int read_at(const struct trace_ring *ring, void *to, size_t size,
                   uint64_t offset)
{
    ssize_t got = pread(ring->fd, to, size, (off_t)offset);

    if (got < 0)
        return -errno;
    return (size_t)got == size ? 0 : -EIO;
}

static int read_words(const struct trace_ring *ring,
                      struct segment_trace *words)
{
    return read_at(ring, words, sizeof(*words),
                   offsetof(struct segment_header, trace));
}

/* An extent is found once, and stays where it is. */
static int find_extents(struct trace_ring *ring)
{
    uint64_t words[SEGMENT_EXTENTS_MAX];
    int err = read_at(ring, words, sizeof(words), SEGMENT_EXTENT_TABLE_OFFSET);

    for (uint32_t i = 0; !err && i < SEGMENT_EXTENTS_MAX; i++) {
        uint32_t place = SEGMENT_EXTENT_BASE(words[i]) / MOMENTS;

        if (SEGMENT_EXTENT_TYPE(words[i]) == SEGMENT_EXTENT_MOMENTS &&
            place < SEGMENT_MOMENT_EXTENTS && !ring->offsets[place])
            ring->offsets[place] = segment_extent_offset(i);
    }
    return err;
}

/* ---- what is too short ------------------------------------------------- */

static bool may_be_short(const struct segment_moment *moment)
{
    return SEGMENT_EVENT_MAY_BE_SHORT(SEGMENT_MOMENT_EVENT(moment->thread));
}

static bool is_short(const struct trace_ring *ring,
                     const struct segment_moment *moment)
{
    return may_be_short(moment) && moment->delay_ns < ring->short_ns;
}

static int compare_delays(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Raises short_ns above half of the delays there are. */
static int raise_short(struct trace_ring *ring)
{
    uint64_t *delays = malloc((ring->waits + 1) * sizeof(*delays));
    size_t count = 0;

    if (!delays)
        return -ENOMEM;
    for (size_t i = 0; i < ring->count; i++)
        if (may_be_short(&ring->list[i]))
            delays[count++] = ring->list[i].delay_ns;
    qsort(delays, count, sizeof(*delays), compare_delays);
    if (count && delays[count / 2] < UINT64_MAX)
        ring->short_ns = delays[count / 2] + 1;
    free(delays);
    return 0;
}

/* Leaves out the shorter half of the waits, if they are worth it. */
static int thin(struct trace_ring *ring)
{
    size_t kept = 0;
    int err;

    if (ring->waits <= ring->count / 8)
        return 0;
    err = raise_short(ring);
    if (err)
        return err;
    for (size_t i = 0; i < ring->count; i++)
        if (!is_short(ring, &ring->list[i]))
            ring->list[kept++] = ring->list[i];
    ring->thinned++;
    ring->shorts += ring->count - kept;
    ring->waits -= ring->count - kept;
    ring->count = kept;
    return 0;
}

/* ---- taking ------------------------------------------------------------ */

static int make_room(struct trace_ring *ring)
{
    size_t room = ring->room ? 2 * ring->room : 1024;
    struct segment_moment *list;

    if (ring->count == TRACE_MOMENTS_MAX)
        return thin(ring);
    if (ring->count < ring->room)
        return 0;
    list = realloc(ring->list, room * sizeof(*list));
    if (!list)
        return -ENOMEM;
    ring->list = list;
    ring->room = room;
    return 0;
}

static int add(struct trace_ring *ring, const struct segment_moment *moment)
{
    int err = make_room(ring);

    if (err)
        return err;
    if (is_short(ring, moment)) {
        ring->shorts++;
    } else if (ring->count < TRACE_MOMENTS_MAX) {
        ring->list[ring->count++] = *moment;
        ring->waits += may_be_short(moment);
    }
    return 0; /* else it counts as lost */
}

/* Whether `number` is one that this element can have, not yet taken, and was
 * all there: nobody begins to overwrite it before `moments` says so. */
static bool is_new(const struct trace_ring *ring, uint32_t element,
                   uint64_t number)
{
    return number % SEGMENT_MOMENTS == element &&
           number >= ring->first.moments && number >= ring->next[element] &&
           number < ring->last.moments &&
           ring->last.moments - number <= SEGMENT_MOMENTS;
}

static int drain_extent(struct trace_ring *ring, uint32_t extent)
{
    uint64_t offset = ring->offsets[extent];
    int err = read_at(ring, ring->before, sizeof(ring->before), offset);

    if (!err)
        err = read_at(ring, ring->after, sizeof(ring->after), offset);
    if (!err)
        err = read_words(ring, &ring->last);
    for (uint32_t i = 0; !err && i < MOMENTS; i++) {
        uint64_t state = ring->before[i].state, number = state / 2 - 1;
        uint32_t element = extent * MOMENTS + i;

        if (state == 0 || state % 2 || !is_new(ring, element, number))
            continue;
        ring->next[element] = number + 1;
        err = add(ring, &ring->after[i]);
    }
    return err;
}

static bool is_overrun(struct trace_ring *ring)
{
    uint64_t lost = trace_ring_moments(ring).lost;
    bool overrun = lost > ring->lost + OVERRUN_MIN;

    ring->lost = lost;
    return overrun;
}

int trace_ring_drain(struct trace_ring *ring)
{
    int err = find_extents(ring);

    if (!err)
        err = read_words(ring, &ring->last);
    for (uint32_t i = 0; !err && i < SEGMENT_MOMENT_EXTENTS; i++)
        if (ring->offsets[i])
            err = drain_extent(ring, i);
    if (!err && is_overrun(ring))
        err = thin(ring);
    return err;
}

int trace_ring_open(int fd, struct trace_ring **ring)
{
    struct trace_ring *made = calloc(1, sizeof(*made));
    int err;

    *ring = NULL;
    if (!made)
        return -ENOMEM;
    made->fd = fd;
    err = read_words(made, &made->first);
    if (err) {
        free(made);
        return err;
    }
    made->last = made->first;
    *ring = made;
    return 0;
}

struct trace_moments trace_ring_moments(const struct trace_ring *ring)
{
    const struct segment_trace *first = &ring->first, *last = &ring->last;
    uint64_t begun = last->moments - first->moments;
    uint64_t taken = ring->count + ring->shorts;

    return (struct trace_moments){
        .list = ring->list,
        .count = ring->count,
        .short_ns = ring->short_ns,
        .thinned = ring->thinned,
        .shorts = ring->shorts + (last->shorts - first->shorts),
        .lost = begun > taken ? begun - taken : 0,
    };
}

void trace_ring_close(struct trace_ring *ring)
{
    if (!ring)
        return;
    free(ring->list);
    free(ring);
}
