/* SPDX-License-Identifier: MIT */
/* segment_read.c - see segment_read.h. */
#include "segment_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "process_read.h"
#include "segment_check.h"
#include "segment_copy.h"
#include "segment_find.h"

/* A callsite whose stack is lost is charged to the sink for that. */
static void charge_no_stack(struct segment_copy *copy, uint32_t callsite)
{
    struct segment_snapshot *snapshot = copy->snapshot;

    snapshot->callsites[callsite].node = 0;
    segment_sum_add(&copy->sums[SEGMENT_SINK_NO_STACK], &copy->sums[callsite]);
    for (int event = 0; event < SEGMENT_EVENT_COUNT; event++) {
        struct segment_event_row *rows = snapshot->events[event];

        if (rows) {
            segment_add(&rows[SEGMENT_SINK_NO_STACK].count,
                        rows[callsite].count);
            segment_add(&rows[SEGMENT_SINK_NO_STACK].delay_ns,
                        rows[callsite].delay_ns);
        }
    }
}

static int check_stacks(struct segment_copy *copy, struct segment_error *error)
{
    struct segment_snapshot *snapshot = copy->snapshot;
    uint16_t *depths = calloc(snapshot->node_count, sizeof(depths[0]));
    int err;

    if (!depths)
        return segment_error_memory(error);
    err = segment_check_modules(snapshot, &copy->extents, error);
    for (uint32_t i = SEGMENT_SINK_COUNT; !err && i < snapshot->callsite_count;
         i++) {
        if (!snapshot->callsites[i].node)
            continue;
        err = segment_check_stack(snapshot, &copy->extents, i, depths, error);
        if (err == 1) {
            charge_no_stack(copy, i);
            err = 0;
        }
    }
    free(depths);
    return err;
}

static bool is_published(const struct segment_snapshot *snapshot,
                         uint32_t callsite)
{
    return callsite != SEGMENT_SINK_NONE &&
           (callsite < SEGMENT_SINK_COUNT ||
            snapshot->callsites[callsite].node);
}

static void clean_events(struct segment_snapshot *snapshot, int event)
{
    struct segment_event_row *rows = snapshot->events[event];

    for (uint32_t i = 0; rows && i < snapshot->callsite_count; i++) {
        uint64_t count = is_published(snapshot, i) ? rows[i].count : 0;
        uint64_t delay = count ? rows[i].delay_ns : 0;

        rows[i] = (struct segment_event_row){segment_least(count, INT64_MAX),
                                             segment_least(delay, INT64_MAX)};
        snapshot->event_callsites[event] += count != 0;
    }
}

static void make_now_the_peak(struct segment_values *values)
{
    values->peak_objects = values->inuse_objects;
    values->peak_space = values->inuse_space;
}

static void sum_up(const struct segment_copy *copy)
{
    struct segment_snapshot *snapshot = copy->snapshot;
    struct segment_values *total = &snapshot->total;

    for (uint32_t i = 1; i < snapshot->callsite_count; i++) {
        struct segment_values *values = &snapshot->values[i];

        if (!is_published(snapshot, i))
            continue;
        *values = segment_values_of(&copy->sums[i]);
        segment_values_add(total, values);
        if (values->alloc_objects)
            snapshot->recorded++;
    }
    if (total->inuse_space >= total->peak_space) {
        for (uint32_t i = 1; i < snapshot->callsite_count; i++)
            make_now_the_peak(&snapshot->values[i]);
        make_now_the_peak(total);
    }
    for (int event = 0; event < SEGMENT_EVENT_COUNT; event++)
        clean_events(snapshot, event);
    memcpy(snapshot->losses, snapshot->header.losses, sizeof(snapshot->losses));
    segment_add(&snapshot->losses[SEGMENT_LOSS_UNKNOWN_ORIGIN],
                snapshot->calls.unknown_frees);
}

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Only the file that the shim named is live; a copy has another name. */
static void find_life(struct segment_snapshot *snapshot, const char *path,
                      const struct stat *stat)
{
    uint32_t pid = snapshot->header.pid;
    uint64_t start = snapshot->header.start_time;
    struct timespec now;

    snapshot->taken_ns = nanoseconds(stat->st_mtim);
    if (snapshot->header.state == SEGMENT_EXITED) {
        snapshot->life = SEGMENT_LIFE_EXITED;
    } else if (!segment_name_matches(path, pid, start)) {
        snapshot->life = SEGMENT_LIFE_KILLED;
    } else if (!process_namespace_is_ours(snapshot->header.pid_namespace)) {
        snapshot->life = SEGMENT_LIFE_ELSEWHERE;
    } else if (process_start_time(pid) == start) {
        snapshot->life = SEGMENT_LIFE_LIVE;
        if (segment_is_left(&snapshot->header))
            snapshot->life = SEGMENT_LIFE_EXECED;
        else if (clock_gettime(CLOCK_REALTIME, &now) == 0)
            snapshot->taken_ns = nanoseconds(now);
    } else {
        snapshot->life = SEGMENT_LIFE_KILLED;
    }
}

static int make_sound(struct segment_copy *copy, enum segment_parts parts,
                      struct segment_error *error)
{
    int err = 0;

    if (parts != SEGMENT_READ_TOTALS)
        err = segment_check_labels(copy->snapshot, &copy->extents, error);
    if (!err && parts & SEGMENT_READ_STACKS)
        err = check_stacks(copy, error);
    if (!err)
        sum_up(copy);
    return err;
}

static int read_snapshot(int fd, enum segment_parts parts,
                         struct segment_snapshot *snapshot,
                         struct segment_error *error)
{
    struct segment_copy *copy = calloc(1, sizeof(*copy));
    struct stat stat;
    int err;

    if (!copy)
        return segment_error_memory(error);
    copy->snapshot = snapshot;
    if (fstat(fd, &stat) < 0)
        err = segment_error_set(error, -errno, SEGMENT_ERROR_NOWHERE, "%s",
                                strerror(errno));
    else if (!S_ISREG(stat.st_mode))
        err = segment_error_set(error, -EINVAL, SEGMENT_ERROR_NOWHERE,
                                "not a regular file");
    else
        err = segment_copy(fd, (uint64_t)stat.st_size, parts, copy, error);
    if (!err)
        err = make_sound(copy, parts, error);
    if (!err)
        find_life(snapshot, error->path, &stat);
    free(copy->sums);
    free(copy);
    return err;
}

int segment_read_fd(int fd, const char *path, enum segment_parts parts,
                    struct segment_snapshot **snapshot,
                    struct segment_error *error)
{
    struct segment_snapshot *made = calloc(1, sizeof(*made));
    int err;

    *snapshot = NULL;
    segment_error_begin(error, path);
    if (!made)
        return segment_error_memory(error);
    err = read_snapshot(fd, parts, made, error);
    if (err) {
        segment_snapshot_free(made);
        return err;
    }
    *snapshot = made;
    return 0;
}

int segment_read(const char *path, enum segment_parts parts,
                 struct segment_snapshot **snapshot,
                 struct segment_error *error)
{
    /* Non-blocking: opening a FIFO would wait for its writer. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int err;

    if (fd < 0) {
        err = -errno;
        *snapshot = NULL;
        segment_error_begin(error, path);
        return segment_error_set(error, err, SEGMENT_ERROR_NOWHERE, "%s",
                                 err == -ELOOP ? "is a symbolic link"
                                               : strerror(-err));
    }
    err = segment_read_fd(fd, path, parts, snapshot, error);
    close(fd);
    return err;
}

void segment_snapshot_free(struct segment_snapshot *snapshot)
{
    if (!snapshot)
        return;
    free(snapshot->callsites);
    free(snapshot->values);
    for (int event = 0; event < SEGMENT_EVENT_COUNT; event++)
        free(snapshot->events[event]);
    free(snapshot->nodes);
    free(snapshot->modules);
    free(snapshot->threads);
    free(snapshot->strings);
    free(snapshot->labels);
    free(snapshot);
}
