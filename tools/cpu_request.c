/* SPDX-License-Identifier: MIT */
/*
 * cpu_request.c - see cpu_request.h.
 *
 * Words are written to the file, not to a mapping of it, which a process that
 * cuts its file could turn into a SIGBUS.
 */
#include "cpu_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process_read.h"
#include "process_tasks.h"
#include "rounds.h"
#include "segment.h"

#define TIDS_MAX    (1u << 22) /* the kernel's PID_MAX_LIMIT */
#define FORGET_MS   1000u      /* a thread id may be another thread's by then */
#define ANSWER_US   1000u      /* for a signalled thread to take its mail */
#define KICK_MIN_MS 2u         /* from one try in vain to the next, doubling */
#define KICK_MAX_MS 50u

#define WORD(field) offsetof(struct segment_header, cpu.field)

struct cpu_request {
    int fd; /* of the segment; holds the lock */
    uint32_t pid;
    uint64_t start_time;
    unsigned hz;
    struct process_tasks before; /* when it began */
    struct process_tasks tasks;
    uint8_t *told; /* bit per thread id: it was in the mailbox */
    uint64_t forget_at_ms;
    unsigned kick_ms;
    struct rounds rounds;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- words of the segment ---------------------------------------------- */

static bool write_word(const struct cpu_request *request, size_t offset,
                       const void *word, size_t size)
{
    return pwrite(request->fd, word, size, (off_t)offset) == (ssize_t)size;
}

static bool read_words(const struct cpu_request *request,
                       struct segment_cpu *words)
{
    return pread(request->fd, words, sizeof(*words),
                 (off_t)offsetof(struct segment_header, cpu)) == sizeof(*words);
}

static bool write_lease(const struct cpu_request *request, unsigned ms)
{
    uint64_t lease_ns = ms ? (now_ms() + ms) * 1000000 : 0;

    return write_word(request, WORD(lease_ns), &lease_ns, sizeof(lease_ns));
}

static bool mail_is_taken(const struct cpu_request *request)
{
    static const uint32_t none[SEGMENT_CPU_TIDS];
    struct segment_cpu words;

    return !read_words(request, &words) ||
           memcmp(words.tids, none, sizeof(none)) == 0;
}

/* ---- telling it its threads -------------------------------------------- */

/* Puts ids that it was not told into the mailbox, which is empty. Returns how
 * many. */
static unsigned post(struct cpu_request *request)
{
    uint32_t tids[SEGMENT_CPU_TIDS] = {0};
    unsigned count = 0;

    for (size_t i = 0; i < request->tasks.count && count < SEGMENT_CPU_TIDS;
         i++) {
        uint32_t tid = request->tasks.list[i].tid;

        if (tid >= TIDS_MAX || request->told[tid / 8] >> tid % 8 & 1)
            continue;
        request->told[tid / 8] |= (uint8_t)(1u << tid % 8);
        tids[count++] = tid;
    }
    if (count && !write_word(request, WORD(tids), tids, sizeof(tids)))
        return 0;
    return count;
}

static bool has_no_timers(const struct cpu_request *request)
{
    struct segment_cpu words;

    return !read_words(request, &words) || words.timers == 0;
}

/* Signals threads that run until one has done what is to be done. A thread that
 * waits would have its call ended by the signal. */
static bool kick(struct cpu_request *request,
                 bool is_done(const struct cpu_request *request))
{
    const struct timespec pause = {.tv_nsec = 100000};
    struct segment_cpu words;

    if (!read_words(request, &words) || words.signal == 0 ||
        words.signal > 64 ||
        process_start_time(request->pid) != request->start_time)
        return false;
    for (size_t i = 0; i < request->tasks.count; i++) {
        struct process_task *task = &request->tasks.list[i];

        if (!process_task_read(request->pid, (int)words.signal, task) ||
            !task->running || task->blocks ||
            syscall(SYS_tgkill, (int)request->pid, (int)task->tid,
                    (int)words.signal) != 0)
            continue;
        for (unsigned us = 0; us < ANSWER_US; us += 100) {
            nanosleep(&pause, NULL);
            if (is_done(request))
                return true;
        }
    }
    return is_done(request);
}

/* One look at everything; returns when to look again, in ms. */
static unsigned look_after(void *data)
{
    struct cpu_request *request = data;
    uint64_t now = now_ms();

    write_lease(request, CPU_REQUEST_LEASE_MS);
    if (now >= request->forget_at_ms) {
        memset(request->told, 0, TIDS_MAX / 8);
        request->forget_at_ms = now + FORGET_MS;
    }
    if (process_tasks_read(request->pid, &request->tasks) != 0)
        return CPU_REQUEST_ROUND_MS;
    while (!mail_is_taken(request) || post(request)) {
        if (!mail_is_taken(request) && !kick(request, mail_is_taken)) {
            request->kick_ms = request->kick_ms < KICK_MAX_MS / 2
                                   ? 2 * request->kick_ms
                                   : KICK_MAX_MS;
            return request->kick_ms;
        }
        request->kick_ms = KICK_MIN_MS;
    }
    return CPU_REQUEST_ROUND_MS;
}

/* ---- threads that block the signal ------------------------------------- */

static void read_tasks(struct cpu_request *request, struct process_tasks *tasks,
                       int signal)
{
    if (process_tasks_read(request->pid, tasks) != 0)
        return;
    for (size_t i = 0; i < tasks->count; i++)
        (void)process_task_read(request->pid, signal, &tasks->list[i]);
}

/* Samples that threads would have had which block the signal now and did, or
 * were not there, at the beginning. */
static uint64_t count_blocked(struct cpu_request *request)
{
    uint64_t blocked_ns = 0;
    struct segment_cpu words;

    if (!read_words(request, &words) || words.signal - 1 >= 64)
        return 0;
    read_tasks(request, &request->tasks, (int)words.signal);
    for (size_t i = 0; i < request->tasks.count; i++) {
        const struct process_task *task = &request->tasks.list[i];
        const struct process_task *before =
            process_tasks_find(&request->before, task->tid);
        uint64_t from = before ? before->cpu_ns : 0;

        if (task->blocks && (!before || before->blocks) && task->cpu_ns > from)
            blocked_ns += task->cpu_ns - from;
    }
    return (blocked_ns * request->hz + 500000000) / 1000000000;
}

/* ---- begin and end ----------------------------------------------------- */

static int open_segment(const char *path, struct cpu_request *request)
{
    struct segment_header header;
    uint32_t number;

    request->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (request->fd < 0)
        return -errno;
    if (flock(request->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (pread(request->fd, &header, sizeof(header), 0) != sizeof(header))
        return -EIO;
    request->pid = header.pid;
    request->start_time = header.start_time;
    if (process_start_time(header.pid) != header.start_time)
        return -ESRCH;
    if (header.cpu.signal == 0 || header.cpu.signal > 64)
        return -ENOTSUP;
    read_tasks(request, &request->before, (int)header.cpu.signal);
    number = header.cpu.request + 1;
    if (!write_word(request, WORD(hz), &request->hz, sizeof(uint32_t)) ||
        !write_word(request, WORD(request), &number, sizeof(number)) ||
        !write_lease(request, CPU_REQUEST_LEASE_MS))
        return -EIO;
    return 0;
}

static void release(struct cpu_request *request)
{
    if (request->fd >= 0)
        close(request->fd);
    process_tasks_free(&request->before);
    process_tasks_free(&request->tasks);
    free(request->told);
    free(request);
}

int cpu_request_begin(const char *path, unsigned hz,
                      struct cpu_request **request)
{
    struct cpu_request *made = calloc(1, sizeof(*made));
    int err = -ENOMEM;

    *request = NULL;
    if (!made)
        return -ENOMEM;
    made->fd = -1;
    made->hz = hz;
    made->kick_ms = KICK_MIN_MS;
    made->told = calloc(TIDS_MAX / 8, 1);
    if (made->told)
        err = open_segment(path, made);
    if (!err)
        err = rounds_begin(&made->rounds, look_after, made);
    if (err) {
        release(made);
        return err;
    }
    *request = made;
    return 0;
}

uint64_t cpu_request_end(struct cpu_request *request)
{
    uint64_t blocked;

    if (!request)
        return 0;
    rounds_end(&request->rounds);
    blocked = count_blocked(request);
    write_lease(request, 0);
    /* It stops by itself at the next tick; one more chance to do it now. */
    (void)kick(request, has_no_timers);
    release(request);
    return blocked;
}
