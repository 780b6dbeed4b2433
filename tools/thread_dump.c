/* SPDX-License-Identifier: MIT */
/* thread_dump.c - see thread_dump.h. */
#include "thread_dump.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process_read.h"
#include "segment_read.h"
#include "thread_lock.h"
#include "thread_memory.h"
#include "thread_refusal.h"
#include "thread_stop.h"
#include "thread_walk.h"

/* A thread that moves each time it is looked at is stopped then. */
#define TRIES 3

#define NS_PER_S UINT64_C(1000000000)

static const char cut_deep[] = "[truncated]";
static const char cut_lost[] = "[truncated: no unwind information]";
static const char cut_disk[] = "[truncated: in disk sleep]";
static const char cut_partial[] =
    "[truncated: stopped, its call would return a part]";
static const char cut_traced[] = "[truncated: a debugger has the thread]";
static const char cut_moving[] = "[no stack: it did not stop]";
static const char cut_ended[] = "[ended]";

/* What a dump is taken with. */
struct taker {
    struct thread_dump *dump;
    int process; /* open at /proc/PID */
    struct thread_memory *memory;
    struct thread_walker *walker;
    uint64_t now_us; /* of the scheduler's clock; 0 unknown */
};

/* ---- one stack --------------------------------------------------------- */

/* The last walk is the one that counts. */
static int walk(struct taker *taker, struct thread *thread,
                const struct thread_registers *registers, bool returns,
                enum thread_walk_end *end)
{
    uint64_t addresses[THREAD_DEPTH_MAX];
    size_t depth;

    *end = thread_walk(taker->walker, registers, returns, addresses, &depth);
    free(thread->addresses);
    thread->depth = 0;
    thread->addresses = malloc((depth + 1) * sizeof(*addresses));
    if (!thread->addresses)
        return -ENOMEM;
    memcpy(thread->addresses, addresses, depth * sizeof(*addresses));
    thread->depth = depth;
    thread->cut = *end == THREAD_WALK_WHOLE  ? NULL
                  : *end == THREAD_WALK_DEEP ? cut_deep
                                             : cut_lost;
    return 0;
}

struct stopped {
    struct taker *taker;
    struct thread *thread;
    int err;
};

static void walk_stopped(const struct thread_registers *registers, bool in_call,
                         void *data)
{
    struct stopped *stopped = data;
    enum thread_walk_end end;

    stopped->err =
        walk(stopped->taker, stopped->thread, registers, in_call, &end);
}

/* Leaves what an earlier walk has found where the thread cannot be stopped.
 * -ESRCH when it has ended. */
static int take_stopped(struct taker *taker, struct thread *thread)
{
    struct stopped stopped = {taker, thread, 0};
    int err = thread_stop(thread->tid, walk_stopped, &stopped);

    if (err == -EPERM)
        thread->cut = cut_traced;
    else if (err == -ETIMEDOUT)
        thread->cut = thread->depth ? cut_disk : cut_moving;
    else if (err)
        return err;
    return stopped.err;
}

/* ---- one thread -------------------------------------------------------- */

enum taken {
    TAKEN_WHOLE,
    TAKEN_TO_STOP, /* has to be stopped for its stack */
    TAKEN_GONE,    /* has ended meanwhile */
};

static bool has_ended(const struct thread_status *status)
{
    return status->state == 'Z' || status->state == 'X';
}

static void describe(const struct taker *taker, struct thread *thread,
                     const struct thread_status *status,
                     const struct thread_syscall *call)
{
    uint64_t last_us;

    memcpy(thread->name, status->name, sizeof(thread->name));
    thread_words(status->state, call, thread->words);
    thread->idle_ms = -1;
    if (status->state == 'R' || (call && call->running))
        thread->idle_ms = 0;
    else if (taker->now_us &&
             thread_last_run_read(taker->process, thread->tid, &last_us) == 0 &&
             last_us <= taker->now_us)
        thread->idle_ms = (int64_t)((taker->now_us - last_us) / 1000);
}

static bool same_call(const struct thread_syscall *a,
                      const struct thread_syscall *b)
{
    return a->running == b->running && a->number == b->number &&
           a->sp == b->sp && a->pc == b->pc &&
           memcmp(a->arguments, b->arguments, sizeof(a->arguments)) == 0;
}

/* The thread as it sleeps; *moved when it did not sleep on. */
static int take_sleeping(struct taker *taker, struct thread *thread,
                         const struct thread_status *status,
                         const struct thread_syscall *call, enum taken *taken,
                         bool *moved)
{
    struct thread_registers registers = {.all = false};
    struct thread_status status_after;
    struct thread_syscall call_after;
    enum thread_walk_end end;
    int err;

    registers.values[THREAD_RSP] = call->sp;
    registers.values[THREAD_RIP] = call->pc;
    err = walk(taker, thread, &registers, call->number >= 0, &end);
    if (!err)
        thread_lock_read(taker->memory, call, thread);
    if (!err)
        err = thread_syscall_read(taker->process, thread->tid, &call_after);
    if (!err)
        err = thread_status_read(taker->process, thread->tid, &status_after);
    *moved = !err && (!same_call(call, &call_after) ||
                      status->switches != status_after.switches);
    if (!err && end == THREAD_WALK_REGISTER && status->state == 'D')
        thread->cut = cut_disk;
    else if (!err && end == THREAD_WALK_REGISTER && !thread_stop_is_safe(call))
        thread->cut = cut_partial;
    else if (!err && end == THREAD_WALK_REGISTER)
        *taken = TAKEN_TO_STOP;
    return err;
}

/* The errors of a thread that has ended are none. */
static int take_thread(struct taker *taker, struct thread *thread,
                       enum taken *taken)
{
    struct thread_status status;
    struct thread_syscall call;
    bool moved = true;
    int err = 0;

    for (int i = 0; i < TRIES && moved && !err; i++) {
        *taken = TAKEN_WHOLE;
        moved = false;
        thread->wait = THREAD_WAIT_NONE;
        err = thread_status_read(taker->process, thread->tid, &status);
        if (err)
            break;
        if (!taker->walker || has_ended(&status)) {
            describe(taker, thread, &status, NULL);
            thread->cut = has_ended(&status) ? cut_ended : NULL;
            return 0;
        }
        err = thread_syscall_read(taker->process, thread->tid, &call);
        if (err)
            break;
        describe(taker, thread, &status, &call);
        if (call.running)
            *taken = TAKEN_TO_STOP;
        else
            err = take_sleeping(taker, thread, &status, &call, taken, &moved);
    }
    if (err == -ENOENT || err == -ESRCH) {
        *taken = TAKEN_GONE;
        return 0;
    }
    if (moved) /* it ran, each time */
        *taken = TAKEN_TO_STOP;
    return err;
}

/* ---- all of them ------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
    const struct thread *x = a, *y = b;

    return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int add_thread(struct thread_dump *dump, pid_t tid, size_t *room)
{
    if (dump->count == THREADS_MAX)
        return -E2BIG;
    if (dump->count == *room) {
        size_t wanted = *room ? 2 * *room : 64;
        struct thread *grown =
            realloc(dump->threads, wanted * sizeof(*dump->threads));

        if (!grown)
            return -ENOMEM;
        dump->threads = grown;
        *room = wanted;
    }
    dump->threads[dump->count++] = (struct thread){.tid = tid, .idle_ms = -1};
    return 0;
}

static int list_threads(struct taker *taker)
{
    int fd = openat(taker->process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent *entry;
    size_t room = 0;
    DIR *directory;
    int err = 0;

    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return -ENOMEM;
    }
    while (!err && (entry = readdir(directory)))
        if (isdigit((unsigned char)entry->d_name[0]))
            err = add_thread(taker->dump, atoi(entry->d_name), &room);
    closedir(directory);
    if (!err && !taker->dump->count)
        err = -ESRCH;
    if (!err) /* the main thread's tid is the pid, and the smallest mostly */
        qsort(taker->dump->threads, taker->dump->count,
              sizeof(*taker->dump->threads), by_tid);
    for (size_t i = 1; !err && i < taker->dump->count; i++)
        if (taker->dump->threads[i].tid == taker->dump->pid) {
            struct thread main_thread = taker->dump->threads[i];

            memmove(taker->dump->threads + 1, taker->dump->threads,
                    i * sizeof(main_thread));
            taker->dump->threads[0] = main_thread;
        }
    return err;
}

/* Blocked ones first: what is learned of the program with them makes it short
 * for those that have to be stopped. */
static int take_threads(struct taker *taker)
{
    struct thread_dump *dump = taker->dump;
    enum taken *taken = calloc(dump->count, sizeof(*taken));
    size_t kept = 0;
    int err = taken ? 0 : -ENOMEM;

    for (size_t i = 0; i < dump->count && !err; i++)
        err = take_thread(taker, &dump->threads[i], &taken[i]);
    for (size_t i = 0; i < dump->count && !err; i++)
        if (taken[i] == TAKEN_TO_STOP) {
            err = take_stopped(taker, &dump->threads[i]);
            if (err == -ESRCH) {
                taken[i] = TAKEN_GONE;
                err = 0;
            }
        }
    for (size_t i = 0; i < dump->count && !err; i++) {
        if (taken[i] != TAKEN_GONE) {
            dump->threads[kept++] = dump->threads[i];
            continue;
        }
        free(dump->threads[i].addresses);
    }
    if (!err)
        dump->count = kept;
    free(taken);
    return err ? err : kept ? 0 : -ESRCH;
}

/* A thread that has not ended: the files of the process show nothing once its
 * main thread has. Returns its tid. */
static pid_t find_alive(const struct taker *taker)
{
    const struct thread_dump *dump = taker->dump;
    struct thread_status status;

    for (size_t i = 0; i < dump->count; i++)
        if (thread_status_read(taker->process, dump->threads[i].tid, &status) ==
                0 &&
            !has_ended(&status))
            return dump->threads[i].tid;
    return dump->pid;
}

/* Everything stacks need; a refusal is no error. */
static int prepare_walks(struct taker *taker)
{
    struct thread_dump *dump = taker->dump;
    struct thread_syscall call;
    pid_t tid = find_alive(taker);
    char path[32];
    int thread, err;

    snprintf(path, sizeof(path), "task/%d", (int)tid);
    thread = openat(taker->process, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (thread < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    err = thread_memory_open(thread, &taker->memory);
    if (!err)
        err = thread_modules_read(thread, taker->memory, &dump->modules);
    close(thread);
    if (!err) /* may need more than memory does */
        err = thread_syscall_read(taker->process, tid, &call);
    if (!err) {
        taker->walker = thread_walker_new(taker->memory, &dump->modules);
        return taker->walker ? 0 : -ENOMEM;
    }
    if (err == -EACCES || err == -EPERM)
        return thread_refusal_explain(taker->process, dump->pid, &dump->refusal,
                                      &dump->advice);
    return err == -ENOENT ? -ESRCH : err;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int set_times(struct taker *taker)
{
    struct thread_dump *dump = taker->dump;
    uint64_t ticks = process_start_time((uint32_t)dump->pid);
    uint64_t since_boot = clock_ns(CLOCK_BOOTTIME);
    uint64_t start = ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
    int self;

    if (ticks == 0)
        return -ESRCH;
    dump->time_ns = clock_ns(CLOCK_REALTIME);
    dump->started_ns =
        dump->time_ns - (since_boot > start ? since_boot - start : 0);
    /* we are on a CPU, so our own last time on one is now */
    self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self < 0)
        return -errno;
    if (thread_last_run_read(self, gettid(), &taker->now_us) != 0)
        taker->now_us = 0;
    close(self);
    return 0;
}

static int take(struct taker *taker)
{
    struct thread_dump *dump = taker->dump;
    int err = set_times(taker);

    if (!err)
        err = list_threads(taker);
    if (!err)
        err = prepare_walks(taker);
    if (!err)
        err = take_threads(taker);
    if (!err) {
        memcpy(dump->program, dump->threads[0].name, sizeof(dump->program));
        err = thread_lock_resolve(dump);
    }
    return err;
}

int thread_dump_take(pid_t pid, struct thread_dump **dump)
{
    struct taker taker = {.dump = calloc(1, sizeof(**dump))};
    char path[32];
    int err = -ENOMEM;

    if (!taker.dump)
        return err;
    taker.dump->pid = pid;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    taker.process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (taker.process >= 0) {
        err = take(&taker);
        close(taker.process);
    } else {
        err = errno == ENOENT ? -ESRCH : -errno;
    }
    thread_walker_free(taker.walker);
    thread_memory_close(taker.memory);
    if (err)
        thread_dump_free(taker.dump);
    else
        *dump = taker.dump;
    return err;
}

void thread_dump_free(struct thread_dump *dump)
{
    if (!dump)
        return;
    for (size_t i = 0; i < dump->count; i++) {
        free(dump->threads[i].addresses);
        free(dump->threads[i].creation);
    }
    free(dump->threads);
    thread_modules_free(&dump->modules);
    for (size_t i = 0; i < dump->deadlock_count; i++)
        free(dump->deadlocks[i]);
    free(dump->deadlocks);
    free(dump->refusal);
    free(dump->advice);
    segment_snapshot_free(dump->snapshot);
    free(dump);
}

const struct thread *thread_dump_find(const struct thread_dump *dump, pid_t tid)
{
    for (size_t i = 0; i < dump->count; i++)
        if (dump->threads[i].tid == tid)
            return &dump->threads[i];
    return NULL;
}
