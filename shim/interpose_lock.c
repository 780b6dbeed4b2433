/* SPDX-License-Identifier: MIT */
/*
 * interpose_lock.c - mutexes and read-write locks.
 *
 * When waits are recorded, a lock is tried first; only when it is busy, the
 * real function is called and timed. Trying a lock that is free has the result
 * of locking it, of recursive, error-checking and priority mutexes, too
 * (tests/preload/locks.t compares); of robust ones see below. The waiter is
 * charged to the profile block; who gives a lock back that others wait for, to
 * mutex (waiter.h), after it is given back. The walk starts in the caller: the
 * functions that wait are jumped to (interpose.c says how).
 * Read next: wait.h, interpose_wait.c.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <threads.h>

#include "cc.h"
#include "life.h"
#include "os.h"
#include "real_thread.h"
#include "wait.h"
#include "waiter.h"

/* ---- mutexes ----------------------------------------------------------- */

/* A robust mutex is looked at instead of tried: one that cannot be recovered,
 * glibc leaves locked by who tries it, and the next one waits for ever. */
#define ROBUST 16 /* in __kind, as the initializers have it */

static COLD bool robust_is_held(const pthread_mutex_t *mutex)
{
    uint32_t word =
        (uint32_t)__atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED);

    return (word & FUTEX_TID_MASK) != 0 && !(word & FUTEX_OWNER_DIED) &&
           (word & FUTEX_TID_MASK) != (uint32_t)os_gettid();
}

/* False when locking it will not wait, and trying it might do harm. */
static ALWAYS_INLINE bool mutex_may_wait(const pthread_mutex_t *mutex)
{
    return LIKELY(!(mutex->__data.__kind & ROBUST)) || robust_is_held(mutex);
}

/* Of one that may wait. */
static ALWAYS_INLINE int mutex_try(pthread_mutex_t *mutex)
{
    return LIKELY(!(mutex->__data.__kind & ROBUST))
               ? real_thread.pthread_mutex_trylock(mutex)
               : EBUSY;
}

/* An unlock that leaves the mutex locked releases nobody. */
static bool mutex_is_released(const pthread_mutex_t *mutex)
{
    return (mutex->__data.__kind & 3) != PTHREAD_MUTEX_RECURSIVE_NP ||
           mutex->__data.__count <= 1;
}

/* C11's are the same mutexes, none of them robust; libc does not lock them by
 * the functions above. Busy is said as of those. */
static ALWAYS_INLINE int mtx_try(mtx_t *mutex)
{
    int result = real_thread.mtx_trylock(mutex);

    return result == thrd_busy ? EBUSY : result;
}

/* ---- taking a lock ----------------------------------------------------- */

/* name(), after try() when valid() says that it may be tried; `error` is an
 * expression of its `result`. */
#define INTERPOSE_LOCK_OF(name, parameters, arguments, try, valid, error)      \
    static NOINLINE int name##_waiting parameters                              \
    {                                                                          \
        const struct walk_start start = WALK_START_HERE();                     \
        uint64_t began_ns = os_monotonic_ns();                                 \
        struct waiter *waiter = waiter_enter(lock, began_ns);                  \
        int result = real_thread.name arguments;                               \
                                                                               \
        waiter_leave(waiter);                                                  \
        if (wait_happened(error))                                              \
            wait_record(began_ns, &start);                                     \
        return result;                                                         \
    }                                                                          \
                                                                               \
    static NOINLINE int name##_tried parameters                                \
    {                                                                          \
        int result;                                                            \
                                                                               \
        if (UNLIKELY(!(valid)))                                                \
            return real_thread.name arguments;                                 \
        result = try(lock);                                                    \
        return UNLIKELY(result == EBUSY) ? name##_waiting arguments : result;  \
    }                                                                          \
                                                                               \
    EXPORT int name parameters                                                 \
    {                                                                          \
        return life_records_waits() ? name##_tried arguments                   \
                                    : real_thread.name arguments;              \
    }

#define INTERPOSE_LOCK(name, parameters, arguments, try, valid)                \
    INTERPOSE_LOCK_OF(name, parameters, arguments, try, valid, result)

INTERPOSE_LOCK(pthread_mutex_lock, (pthread_mutex_t * lock), (lock), mutex_try,
               mutex_may_wait(lock))
INTERPOSE_LOCK(pthread_mutex_timedlock,
               (pthread_mutex_t * lock, const struct timespec *until),
               (lock, until), mutex_try,
               mutex_may_wait(lock) && wait_is_valid(CLOCK_REALTIME, until))
INTERPOSE_LOCK(pthread_mutex_clocklock,
               (pthread_mutex_t * lock, clockid_t clock,
                const struct timespec *until),
               (lock, clock, until), mutex_try,
               mutex_may_wait(lock) && wait_is_valid(clock, until))
INTERPOSE_LOCK(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock),
               real_thread.pthread_rwlock_tryrdlock, true)
INTERPOSE_LOCK(pthread_rwlock_timedrdlock,
               (pthread_rwlock_t * lock, const struct timespec *until),
               (lock, until), real_thread.pthread_rwlock_tryrdlock,
               wait_is_valid(CLOCK_REALTIME, until))
INTERPOSE_LOCK(pthread_rwlock_clockrdlock,
               (pthread_rwlock_t * lock, clockid_t clock,
                const struct timespec *until),
               (lock, clock, until), real_thread.pthread_rwlock_tryrdlock,
               wait_is_valid(clock, until))
INTERPOSE_LOCK(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock),
               real_thread.pthread_rwlock_trywrlock, true)
INTERPOSE_LOCK(pthread_rwlock_timedwrlock,
               (pthread_rwlock_t * lock, const struct timespec *until),
               (lock, until), real_thread.pthread_rwlock_trywrlock,
               wait_is_valid(CLOCK_REALTIME, until))
INTERPOSE_LOCK(pthread_rwlock_clockwrlock,
               (pthread_rwlock_t * lock, clockid_t clock,
                const struct timespec *until),
               (lock, clock, until), real_thread.pthread_rwlock_trywrlock,
               wait_is_valid(clock, until))
INTERPOSE_LOCK_OF(mtx_lock, (mtx_t * lock), (lock), mtx_try, true,
                  wait_error_c11(result))
INTERPOSE_LOCK_OF(mtx_timedlock, (mtx_t * lock, const struct timespec *until),
                  (lock, until), mtx_try, wait_is_valid(CLOCK_REALTIME, until),
                  wait_error_c11(result))

/* ---- giving it back ---------------------------------------------------- */

#define INTERPOSE_UNLOCK(name, type, released)                                 \
    static NOINLINE int name##_charged(type *lock)                             \
    {                                                                          \
        const struct walk_start start = WALK_START_HERE();                     \
        struct waiter_charge charge = {0, 0};                                  \
        int error;                                                             \
                                                                               \
        if (released)                                                          \
            charge = waiter_charge(lock, os_monotonic_ns());                   \
        error = real_thread.name(lock);                                        \
        if (error == 0 && charge.waiters)                                      \
            event_record(SEGMENT_EVENT_MUTEX, charge.delay_ns, &start);        \
        return error;                                                          \
    }                                                                          \
                                                                               \
    EXPORT int name(type *lock)                                                \
    {                                                                          \
        if (!life_records_waits() || !waiter_exists(lock))                     \
            return real_thread.name(lock);                                     \
        return name##_charged(lock);                                           \
    }

INTERPOSE_UNLOCK(pthread_mutex_unlock, pthread_mutex_t, mutex_is_released(lock))
INTERPOSE_UNLOCK(pthread_rwlock_unlock, pthread_rwlock_t, true)
INTERPOSE_UNLOCK(mtx_unlock, mtx_t,
                 mutex_is_released((const pthread_mutex_t *)lock))
