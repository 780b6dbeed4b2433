/* SPDX-License-Identifier: MIT */
/* thread_lock.c - see thread_lock.h. */
#include "thread_lock.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

/* How glibc's pthread_mutex_t begins, on 64-bit. */
struct mutex {
    uint32_t lock; /* 2: held, and somebody waits */
    uint32_t count;
    int32_t owner;
    uint32_t users;
    int32_t kind;
};

#define MUTEX_CONTENDED 2u
#define MUTEX_KIND_MAX  0x1ff /* of all flags there are */

static bool is_waiting(const struct thread_syscall *call)
{
    uint64_t operation = call->arguments[1] & FUTEX_CMD_MASK;

    return !call->running && call->number == SYS_futex &&
           (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ||
            operation == FUTEX_LOCK_PI || operation == FUTEX_LOCK_PI2);
}

void thread_lock_read(struct thread_memory *memory,
                      const struct thread_syscall *call, struct thread *thread)
{
    struct mutex mutex;
    uint32_t word;

    if (!is_waiting(call) ||
        !thread_memory_read(memory, call->arguments[0], &word, sizeof(word)))
        return;
    thread->lock = call->arguments[0];
    thread->other = (pid_t)(word & FUTEX_TID_MASK);
    if (word & FUTEX_WAITERS) {
        thread->wait = THREAD_WAIT_LOCK;
    } else if (word == MUTEX_CONTENDED) {
        if (!thread_memory_read(memory, thread->lock, &mutex, sizeof(mutex)) ||
            mutex.users == 0 || mutex.users > THREADS_MAX || mutex.kind < 0 ||
            mutex.kind > MUTEX_KIND_MAX)
            return;
        thread->other = mutex.owner;
        thread->wait = THREAD_WAIT_LOCK;
    } else if (word == (uint32_t)call->arguments[2]) {
        thread->wait = THREAD_WAIT_END;
    }
}

/* ---- circles ----------------------------------------------------------- */

static const struct thread *next_of(const struct thread_dump *dump,
                                    const struct thread *thread)
{
    return thread->wait ? thread_dump_find(dump, thread->other) : NULL;
}

/* Whether it is in a circle, and has the smallest index in it. */
static bool begins_circle(const struct thread_dump *dump,
                          const struct thread *first)
{
    const struct thread *thread = next_of(dump, first);

    for (size_t i = 0; i < dump->count && thread && thread > first; i++)
        thread = next_of(dump, thread);
    return thread == first;
}

static void write_thread(const struct thread *thread, FILE *out)
{
    fprintf(out, "%d (%s)", (int)thread->tid, thread->name);
}

static void write_circle(const struct thread_dump *dump,
                         const struct thread *first, FILE *out)
{
    const struct thread *thread = first;

    fputs("deadlock: ", out);
    write_thread(first, out);
    do {
        const struct thread *next = next_of(dump, thread);

        if (thread != first)
            fputs(", which", out);
        if (thread->wait == THREAD_WAIT_LOCK)
            fprintf(out, " waits for the mutex %#" PRIx64 " of ", thread->lock);
        else
            fputs(" waits for the end of ", out);
        if (next == first && thread == first)
            fputs("itself", out);
        else
            write_thread(next, out);
        thread = next;
    } while (thread != first);
}

static int add_deadlock(struct thread_dump *dump, const struct thread *first)
{
    char **grown =
        realloc(dump->deadlocks, (dump->deadlock_count + 1) * sizeof(*grown));
    char *line = NULL;
    size_t size;
    FILE *out;

    if (!grown)
        return -ENOMEM;
    dump->deadlocks = grown;
    out = open_memstream(&line, &size);
    if (!out)
        return -ENOMEM;
    write_circle(dump, first, out);
    if (fclose(out) != 0) {
        free(line);
        return -ENOMEM;
    }
    grown[dump->deadlock_count++] = line;
    return 0;
}

int thread_lock_resolve(struct thread_dump *dump)
{
    int err = 0;

    for (size_t i = 0; i < dump->count; i++) {
        struct thread *thread = &dump->threads[i];

        if (thread->wait != THREAD_WAIT_NONE && thread->other > 0 &&
            thread_dump_find(dump, thread->other))
            continue;
        thread->wait = THREAD_WAIT_NONE;
        thread->other = 0;
        thread->lock = 0;
    }
    for (size_t i = 0; i < dump->count && !err; i++)
        if (begins_circle(dump, &dump->threads[i]))
            err = add_deadlock(dump, &dump->threads[i]);
    return err;
}
