/* SPDX-License-Identifier: MIT */
/* segment_control.c - see segment_control.h. */
#include "segment_control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process_list.h"
#include "segment_read.h"

/* Whether the process behind a sound segment can be switched. */
static int check_process(const struct segment_snapshot *snapshot,
                         struct segment_error *error)
{
    uint32_t status = snapshot->header.status;
    char reason[sizeof(error->reason)];

    if (snapshot->life != SEGMENT_LIFE_LIVE)
        return segment_error_set(
            error, -ESRCH, SEGMENT_ERROR_NOWHERE, "process %u is not live: %s",
            snapshot->header.pid, segment_life_text(snapshot->life));
    /* Bypassed is a doubt that the next recording may end. */
    if (status == SEGMENT_OK || status == SEGMENT_BYPASSED)
        return 0;
    segment_status_text(&snapshot->header, reason, sizeof(reason));
    return segment_error_set(error, -ENOTSUP, SEGMENT_ERROR_NOWHERE, "%s",
                             reason);
}

/* Writes one word and returns what it was. */
typedef uint64_t store_function(struct segment_header *header, uint64_t word);

/* As preprof_set_mode() does it inside. */
static uint64_t store_mode(struct segment_header *header, uint64_t mode)
{
    if (SEGMENT_MODE_OF(mode) == SEGMENT_MODE_OFF &&
        __atomic_load_n(&header->recording_ns, __ATOMIC_RELAXED))
        __atomic_fetch_or(&header->modes_used, 1u << SEGMENT_MODE_OFF,
                          __ATOMIC_RELAXED);
    return segment_mode_exchange(&header->mode, mode);
}

static uint64_t store_locks(struct segment_header *header, uint64_t on)
{
    return __atomic_exchange_n(&header->locks, on, __ATOMIC_RELAXED);
}

/* Reading has checked the file: a segment never shrinks while it has a name,
 * and its process's header page is populated. */
static int write_word(int fd, store_function *store, uint64_t word,
                      uint64_t *before, struct segment_error *error)
{
    struct segment_header *header = mmap(
        NULL, SEGMENT_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (header == MAP_FAILED)
        return segment_error_set(error, -errno, SEGMENT_ERROR_NOWHERE,
                                 "cannot be mapped: %s", strerror(errno));
    *before = store(header, word);
    munmap(header, SEGMENT_HEADER_SIZE);
    return 0;
}

static int control(const char *path, store_function *store, uint64_t word,
                   uint64_t *before, struct segment_error *error)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), err;
    struct segment_snapshot *snapshot;

    segment_error_begin(error, path);
    if (fd < 0)
        return segment_error_set(error, -errno, SEGMENT_ERROR_NOWHERE, "%s",
                                 strerror(errno));
    err = segment_read_fd(fd, path, SEGMENT_READ_TOTALS, &snapshot, error);
    if (!err) {
        err = check_process(snapshot, error);
        segment_snapshot_free(snapshot);
    }
    if (!err)
        err = write_word(fd, store, word, before, error);
    close(fd);
    return err;
}

int segment_control_mode(const char *path, uint64_t mode, uint64_t *before,
                         struct segment_error *error)
{
    return control(path, store_mode, mode, before, error);
}

int segment_control_locks(const char *path, bool on, uint64_t *before,
                          struct segment_error *error)
{
    return control(path, store_locks, on, before, error);
}
