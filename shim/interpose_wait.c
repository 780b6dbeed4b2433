/* SPDX-License-Identifier: MIT */
/*
 * interpose_wait.c - conditions, semaphores, joins and barriers.
 *
 * When waits are recorded, the real function is timed unless it can be told
 * beforehand that it will not wait. Semaphores are asked and not tried: their
 * wait is a cancellation point also where it does not block. A thread that is
 * cancelled in a wait unwinds through these frames and leaves nothing behind.
 * The walk starts in the caller. Read next: wait.h, interpose_lock.c.
 */
#include <errno.h>
#include <stdint.h>
#include <threads.h>

#include "cc.h"
#include "life.h"
#include "real_thread.h"
#include "wait.h"
#include "waiter.h"

/* The real function, recorded when it returns with an `error` (an expression
 * of its `result`) for which it has waited. */
#define TIMED(name, parameters, arguments, before, error)                      \
    static NOINLINE int name##_timed parameters                                \
    {                                                                          \
        const struct walk_start start = WALK_START_HERE();                     \
        uint64_t began_ns;                                                     \
        int result;                                                            \
                                                                               \
        before;                                                                \
        began_ns = os_monotonic_ns();                                          \
        result = real_thread.name arguments;                                   \
        if (wait_happened(error))                                              \
            wait_record(began_ns, &start);                                     \
        return result;                                                         \
    }

/* ---- conditions -------------------------------------------------------- */

/* Waiting for a condition gives the mutex back. */
static void charge_release(const void *mutex, const struct walk_start *start)
{
    struct waiter_charge charge;

    if (!waiter_exists(mutex))
        return;
    charge = waiter_charge(mutex, os_monotonic_ns());
    if (charge.waiters)
        event_record(SEGMENT_EVENT_MUTEX, charge.delay_ns, start);
}

#define INTERPOSE_CONDITION(name, parameters, arguments, error)                \
    TIMED(name, parameters, arguments, charge_release(lock, &start), error)    \
                                                                               \
    EXPORT int name parameters                                                 \
    {                                                                          \
        return life_records_waits() ? name##_timed arguments                   \
                                    : real_thread.name arguments;              \
    }

INTERPOSE_CONDITION(pthread_cond_wait,
                    (pthread_cond_t * condition, pthread_mutex_t *lock),
                    (condition, lock), result)
INTERPOSE_CONDITION(pthread_cond_timedwait,
                    (pthread_cond_t * condition, pthread_mutex_t *lock,
                     const struct timespec *until),
                    (condition, lock, until), result)
INTERPOSE_CONDITION(pthread_cond_clockwait,
                    (pthread_cond_t * condition, pthread_mutex_t *lock,
                     clockid_t clock, const struct timespec *until),
                    (condition, lock, clock, until), result)
INTERPOSE_CONDITION(cnd_wait, (cnd_t * condition, mtx_t *lock),
                    (condition, lock), wait_error_c11(result))
INTERPOSE_CONDITION(cnd_timedwait,
                    (cnd_t * condition, mtx_t *lock,
                     const struct timespec *until),
                    (condition, lock, until), wait_error_c11(result))

/* ---- the others -------------------------------------------------------- */

#define INTERPOSE_WAIT(name, parameters, arguments, waits, error)              \
    TIMED(name, parameters, arguments, (void)0, error)                         \
                                                                               \
    EXPORT int name parameters                                                 \
    {                                                                          \
        return life_records_waits() && (waits) ? name##_timed arguments        \
                                               : real_thread.name arguments;   \
    }

static bool is_empty(sem_t *semaphore)
{
    int value = 0;

    return real_thread.sem_getvalue(semaphore, &value) == 0 && value <= 0;
}

INTERPOSE_WAIT(sem_wait, (sem_t * semaphore), (semaphore), is_empty(semaphore),
               result == 0 ? 0 : errno)
INTERPOSE_WAIT(sem_timedwait, (sem_t * semaphore, const struct timespec *until),
               (semaphore, until), is_empty(semaphore), result == 0 ? 0 : errno)
INTERPOSE_WAIT(sem_clockwait,
               (sem_t * semaphore, clockid_t clock,
                const struct timespec *until),
               (semaphore, clock, until), is_empty(semaphore),
               result == 0 ? 0 : errno)

/* All but the last of a round wait for it; the last gets another result. */
INTERPOSE_WAIT(pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier),
               true, result)

#define INTERPOSE_JOIN(name, parameters, arguments, valid)                     \
    TIMED(name, parameters, arguments, (void)0, result)                        \
                                                                               \
    EXPORT int name parameters                                                 \
    {                                                                          \
        int error;                                                             \
                                                                               \
        if (!life_records_waits() || !(valid))                                 \
            return real_thread.name arguments;                                 \
        error = real_thread.pthread_tryjoin_np(thread, value);                 \
        return error == EBUSY ? name##_timed arguments : error;                \
    }

INTERPOSE_JOIN(pthread_join, (pthread_t thread, void **value), (thread, value),
               true)
INTERPOSE_JOIN(pthread_timedjoin_np,
               (pthread_t thread, void **value, const struct timespec *until),
               (thread, value, until),
               !until || wait_is_valid(CLOCK_REALTIME, until))
INTERPOSE_JOIN(pthread_clockjoin_np,
               (pthread_t thread, void **value, clockid_t clock,
                const struct timespec *until),
               (thread, value, clock, until), wait_is_valid(clock, until))

/* There is no C11 function that tries to join: whether a thread has ended is
 * asked as of POSIX's, which it is. One that has is not waited for. */
static int thrd_try(thrd_t thread, int *value)
{
    void *result = NULL;
    int error = real_thread.pthread_tryjoin_np(thread, &result);

    if (error == 0 && value)
        *value = (int)(intptr_t)result;
    return error;
}

TIMED(thrd_join, (thrd_t thread, int *value), (thread, value), (void)0,
      wait_error_c11(result))

EXPORT int thrd_join(thrd_t thread, int *value)
{
    if (!life_records_waits())
        return real_thread.thrd_join(thread, value);
    return thrd_try(thread, value) == 0 ? thrd_success
                                        : thrd_join_timed(thread, value);
}
