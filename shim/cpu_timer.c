/* SPDX-License-Identifier: MIT */
/* cpu_timer.c - see cpu_timer.h. */
#include "cpu_timer.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>

#include "cc.h"
#include "os.h"

#define TIDS_MAX       (1u << 22) /* the kernel's PID_MAX_LIMIT */
#define TIDS_PER_BLOCK 1024u      /* a page of the table */
#define BLOCKS         (TIDS_MAX / TIDS_PER_BLOCK)

/* 16 MiB of addresses, of which the pages of the threads' ids are touched. */
struct timers {
    uint32_t of_thread[TIDS_MAX]; /* id + 1, 0 none */
    uint64_t blocks_used[BLOCKS / 64];
};

static struct timers *timers; /* wiped in children, as their timers are */

int cpu_timer_begin(void)
{
    struct timers *none = NULL, *made;

    if (__atomic_load_n(&timers, __ATOMIC_ACQUIRE))
        return 0;
    made = os_map_wiped(sizeof(*made));
    if (!made)
        return -ENOMEM;
    if (!__atomic_compare_exchange_n(&timers, &none, made, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        os_unmap(made, sizeof(*made));
    return 0;
}

/* CPU time of any thread of this process, as the kernel numbers clocks. */
static int clock_of(uint32_t tid)
{
    enum { SCHEDULED = 2, PER_THREAD = 4 };

    return (int)(~tid << 3 | SCHEDULED | PER_THREAD);
}

static void delete (uint32_t entry)
{
    os_syscall(SYS_timer_delete, entry - 1, 0, 0, 0, 0, 0);
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000u),
                             (long)(ns % 1000000000u)};
}

/* Makes a running timer. Returns its id or -errno. */
static int make(uint32_t tid, int signal, uintptr_t value, uint64_t period_ns)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = signal,
        .sigev_value = {.sival_ptr = (void *)value},
    };
    struct itimerspec times = {
        .it_interval = timespec_of(period_ns),
        .it_value = timespec_of(1 + os_random() % period_ns),
    };
    int timer, err;

    event._sigev_un._tid = (int)tid;
    err = (int)os_syscall(SYS_timer_create, clock_of(tid), (long)&event,
                          (long)&timer, 0, 0, 0);
    if (err)
        return err;
    err = (int)os_syscall(SYS_timer_settime, timer, 0, (long)&times, 0, 0, 0);
    if (err)
        delete ((uint32_t)timer + 1);
    return err ? err : timer;
}

/* A running periodic timer has always time left, unless its thread is gone. */
static bool is_dead(uint32_t entry)
{
    struct itimerspec left = {.it_value = {0, 0}};

    os_syscall(SYS_timer_gettime, entry - 1, (long)&left, 0, 0, 0, 0);
    return left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0;
}

static bool drop(uint32_t *slot, uint32_t entry)
{
    if (!__atomic_compare_exchange_n(slot, &entry, 0, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return false;
    delete (entry);
    return true;
}

/* The id of a thread that is gone may be another's now. */
static bool drop_if_dead(uint32_t *slot, uint32_t entry)
{
    return is_dead(entry) && drop(slot, entry);
}

int cpu_timer_arm(uint32_t tid, int signal, uintptr_t value, uint64_t period_ns)
{
    uint32_t *slot = &timers->of_thread[tid % TIDS_MAX];
    uint32_t entry = __atomic_load_n(slot, __ATOMIC_RELAXED);
    uint32_t block = tid / TIDS_PER_BLOCK;
    int timer;

    if (tid >= TIDS_MAX)
        return -EINVAL;
    if (entry && !drop_if_dead(slot, entry))
        return 0;
    timer = make(tid, signal, value, period_ns);
    if (timer < 0)
        return timer;
    __atomic_fetch_or(&timers->blocks_used[block / 64],
                      UINT64_C(1) << block % 64, __ATOMIC_RELAXED);
    entry = 0;
    if (__atomic_compare_exchange_n(slot, &entry, (uint32_t)timer + 1, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return 1;
    delete ((uint32_t)timer + 1);
    return 0;
}

/* Deletes those of one block; returns how many are left. */
static uint32_t sweep(uint32_t block, bool all)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < TIDS_PER_BLOCK; i++) {
        uint32_t *slot = &timers->of_thread[block * TIDS_PER_BLOCK + i];
        uint32_t entry = __atomic_load_n(slot, __ATOMIC_RELAXED);

        if (entry && !(all ? drop(slot, entry) : drop_if_dead(slot, entry)))
            left++;
    }
    return left;
}

static uint32_t sweep_all(bool all)
{
    uint32_t left = 0;

    for (uint32_t i = 0; timers && i < BLOCKS / 64; i++) {
        uint64_t used =
            __atomic_load_n(&timers->blocks_used[i], __ATOMIC_RELAXED);

        for (; used; used &= used - 1)
            left += sweep(i * 64 + (uint32_t)__builtin_ctzll(used), all);
    }
    return left;
}

uint32_t cpu_timer_purge(void)
{
    return sweep_all(false);
}

void cpu_timer_disarm_all(void)
{
    sweep_all(true);
}
