/* SPDX-License-Identifier: MIT */
/* trace_request.c - see trace_request.h. */
#include "trace_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu_request.h"
#include "process_memory.h"
#include "process_read.h"
#include "rounds.h"
#include "segment_read.h"

/* A look at the heap's totals costs at most this part of the time. */
#define COUNTER_SHARE 10

struct trace_request {
    struct trace trace;
    struct cpu_request *cpu;
    struct trace_ring *ring;
    int fd; /* of the segment */
    char *path;
    uint32_t pid;
    uint64_t start_time;
    size_t moments_seen; /* whose threads have been asked for their names */
    unsigned thinned;    /* when that was so */
    unsigned rounds_made, counter_rounds; /* a counter in every so many */
    uint64_t counter_after_ns;
    struct rounds rounds;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int write_word(const struct trace_request *request, size_t offset,
                      uint64_t word)
{
    ssize_t put = pwrite(request->fd, &word, sizeof(word), (off_t)offset);

    return put == sizeof(word) ? 0 : put < 0 ? -errno : -EIO;
}

static int write_lease(const struct trace_request *request, unsigned ms)
{
    return write_word(request, offsetof(struct segment_header, trace.lease_ns),
                      ms ? now_ns() + ms * UINT64_C(1000000) : 0);
}

/* What it need not write any more, as too many came. */
static int write_short(const struct trace_request *request)
{
    return write_word(request, offsetof(struct segment_header, trace.short_ns),
                      trace_ring_moments(request->ring).short_ns);
}

/* ---- names of threads -------------------------------------------------- */

/* Where it is, or belongs. */
static size_t find_thread(const struct trace *trace, uint32_t tid)
{
    size_t low = 0, high = trace->thread_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (trace->threads[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool read_name(uint32_t pid, struct trace_thread *thread)
{
    char path[64];
    FILE *file;
    bool good;

    snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, thread->tid);
    file = fopen(path, "re");
    good = file && fgets(thread->name, sizeof(thread->name), file);
    if (file)
        fclose(file);
    thread->name[good ? strcspn(thread->name, "\n") : 0] = '\0';
    return good;
}

/* While they are there: a thread of a moment may have ended soon. */
static void name_threads(struct trace_request *request)
{
    struct trace *trace = &request->trace;
    struct trace_moments moments = trace_ring_moments(request->ring);

    if (request->thinned != moments.thinned)
        request->moments_seen = 0;
    request->thinned = moments.thinned;
    for (; request->moments_seen < moments.count; request->moments_seen++) {
        struct trace_thread thread = {
            .tid =
                SEGMENT_MOMENT_TID(moments.list[request->moments_seen].thread),
        };
        size_t at = find_thread(trace, thread.tid);

        if (trace->thread_count == TRACE_THREADS_MAX ||
            (at < trace->thread_count &&
             trace->threads[at].tid == thread.tid) ||
            !read_name(request->pid, &thread))
            continue;
        memmove(&trace->threads[at + 1], &trace->threads[at],
                (trace->thread_count - at) * sizeof(thread));
        trace->threads[at] = thread;
        trace->thread_count++;
    }
}

/* ---- counters ---------------------------------------------------------- */

/* Half as many, half as often: a trace may be long. */
static void thin_counters(struct trace_request *request)
{
    struct trace *trace = &request->trace;

    for (size_t i = 0; i < trace->counter_count / 2; i++)
        trace->counters[i] = trace->counters[2 * i];
    trace->counter_count /= 2;
    request->counter_rounds *= 2;
}

static void read_counter(struct trace_request *request)
{
    struct trace *trace = &request->trace;
    struct trace_counter counter = {.time_ns = now_ns()};
    struct segment_snapshot *snapshot;
    struct segment_error error;
    struct process_memory memory;

    if (segment_read_fd(request->fd, request->path, SEGMENT_READ_TOTALS,
                        &snapshot, &error) == 0) {
        counter.has_heap = snapshot->header.recording_ns != 0;
        counter.inuse_objects = snapshot->total.inuse_objects;
        counter.inuse_space = snapshot->total.inuse_space;
        segment_snapshot_free(snapshot);
    }
    if (process_start_time(request->pid) == request->start_time &&
        process_memory_read_status(request->pid, &memory) == 0)
        counter.resident = memory.resident;
    if (trace->counter_count == TRACE_COUNTERS_MAX)
        thin_counters(request);
    trace->counters[trace->counter_count++] = counter;
    request->counter_after_ns =
        now_ns() + COUNTER_SHARE * (now_ns() - counter.time_ns);
}

/* ---- while it runs ----------------------------------------------------- */

static unsigned look_after(void *data)
{
    struct trace_request *request = data;

    (void)write_lease(request, CPU_REQUEST_LEASE_MS);
    (void)trace_ring_drain(request->ring); /* what is not taken is lost */
    (void)write_short(request);
    name_threads(request);
    if (request->rounds_made++ % request->counter_rounds == 0 &&
        now_ns() >= request->counter_after_ns)
        read_counter(request);
    return TRACE_ROUND_MS;
}

/* ---- begin and end ----------------------------------------------------- */

static int open_segment(struct trace_request *request)
{
    struct segment_header header;

    request->fd = open(request->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (request->fd < 0)
        return -errno;
    if (pread(request->fd, &header, sizeof(header), 0) != sizeof(header))
        return -EIO;
    request->pid = header.pid;
    request->start_time = header.start_time;
    return 0;
}

/* The CPU profile first: it is what there is only one of. */
static int begin(struct trace_request *request)
{
    struct trace *trace = &request->trace;
    int err;

    trace->counters = calloc(TRACE_COUNTERS_MAX, sizeof(*trace->counters));
    trace->threads = calloc(TRACE_THREADS_MAX, sizeof(*trace->threads));
    if (!request->path || !trace->counters || !trace->threads)
        return -ENOMEM;
    err = open_segment(request);
    if (!err)
        err = cpu_request_begin(request->path, trace->hz, &request->cpu);
    if (!err)
        err = trace_ring_open(request->fd, &request->ring);
    if (!err)
        err = write_short(request);
    trace->begin_ns = now_ns();
    if (!err)
        err = write_lease(request, CPU_REQUEST_LEASE_MS);
    return err ? err : rounds_begin(&request->rounds, look_after, request);
}

int trace_request_begin(const char *path, unsigned hz,
                        struct trace_request **request)
{
    struct trace_request *made = calloc(1, sizeof(*made));
    int err;

    *request = NULL;
    if (!made)
        return -ENOMEM;
    made->fd = -1;
    made->path = strdup(path);
    made->counter_rounds = 1;
    made->trace.hz = hz;
    err = begin(made);
    if (err)
        trace_request_free(made);
    else
        *request = made;
    return err;
}

/* The lease of the trace ends before the lock of the CPU profile is given
 * back: the next one's must not be ended. */
const struct trace *trace_request_end(struct trace_request *request)
{
    struct trace *trace = &request->trace;

    rounds_end(&request->rounds);
    if (request->cpu) {
        (void)write_lease(request, 0);
        trace->end_ns = now_ns();
        trace->blocked = cpu_request_end(request->cpu);
        request->cpu = NULL;
    }
    if (request->ring) {
        (void)trace_ring_drain(request->ring);
        name_threads(request);
        trace->moments = trace_ring_moments(request->ring);
    }
    return trace;
}

void trace_request_free(struct trace_request *request)
{
    if (!request)
        return;
    (void)trace_request_end(request);
    trace_ring_close(request->ring);
    if (request->fd >= 0)
        close(request->fd);
    free(request->path);
    free(request->trace.counters);
    free(request->trace.threads);
    free(request);
}
