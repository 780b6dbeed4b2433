/* SPDX-License-Identifier: MIT */
/*
 * real_thread.h - the next definitions of the thread functions that the shim
 * wraps, and of those that it asks first: whatever RTLD_NEXT gives.
 *
 * `real_thread` can be called through from the very first instruction: its
 * pointers start at functions that look all of them up and forward. Each is in
 * every glibc that the shim runs on. dlsym() gives the default version, which
 * is the one that is interposed (libpreprof.map). Read next: interpose_lock.c.
 */
#ifndef PREPROF_REAL_THREAD_H
#define PREPROF_REAL_THREAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <threads.h>
#include <time.h>

#include "cc.h"

/* X(name, parameters, arguments); all return int. */
#define REAL_THREAD_FUNCTIONS(X)                                               \
    X(pthread_create,                                                          \
      (pthread_t * thread, const pthread_attr_t *attributes,                   \
       void *(*run)(void *), void *argument),                                  \
      (thread, attributes, run, argument))                                     \
    X(thrd_create, (thrd_t * thread, thrd_start_t run, void *argument),        \
      (thread, run, argument))                                                 \
    X(pthread_mutex_trylock, (pthread_mutex_t * lock), (lock))                 \
    X(pthread_mutex_unlock, (pthread_mutex_t * lock), (lock))                  \
    X(mtx_trylock, (mtx_t * lock), (lock))                                     \
    X(mtx_unlock, (mtx_t * lock), (lock))                                      \
    X(pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), (lock))             \
    X(pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), (lock))             \
    X(pthread_rwlock_unlock, (pthread_rwlock_t * lock), (lock))                \
    X(sem_getvalue, (sem_t * semaphore, int *value), (semaphore, value))       \
    X(pthread_tryjoin_np, (pthread_t thread, void **value), (thread, value))   \
    REAL_THREAD_LOCKS(X)                                                       \
    REAL_THREAD_WAITS(X)

/* Those that wait for a lock that somebody holds. */
#define REAL_THREAD_LOCKS(X)                                                   \
    X(pthread_mutex_lock, (pthread_mutex_t * lock), (lock))                    \
    X(pthread_mutex_timedlock,                                                 \
      (pthread_mutex_t * lock, const struct timespec *until), (lock, until))   \
    X(pthread_mutex_clocklock,                                                 \
      (pthread_mutex_t * lock, clockid_t clock, const struct timespec *until), \
      (lock, clock, until))                                                    \
    X(mtx_lock, (mtx_t * lock), (lock))                                        \
    X(mtx_timedlock, (mtx_t * lock, const struct timespec *until),             \
      (lock, until))                                                           \
    X(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))                \
    X(pthread_rwlock_timedrdlock,                                              \
      (pthread_rwlock_t * lock, const struct timespec *until), (lock, until))  \
    X(pthread_rwlock_clockrdlock,                                              \
      (pthread_rwlock_t * lock, clockid_t clock,                               \
       const struct timespec *until),                                          \
      (lock, clock, until))                                                    \
    X(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))                \
    X(pthread_rwlock_timedwrlock,                                              \
      (pthread_rwlock_t * lock, const struct timespec *until), (lock, until))  \
    X(pthread_rwlock_clockwrlock,                                              \
      (pthread_rwlock_t * lock, clockid_t clock,                               \
       const struct timespec *until),                                          \
      (lock, clock, until))

/* Those that wait for something to happen. */
#define REAL_THREAD_WAITS(X)                                                   \
    X(pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t * lock), \
      (condition, lock))                                                       \
    X(pthread_cond_timedwait,                                                  \
      (pthread_cond_t * condition, pthread_mutex_t * lock,                     \
       const struct timespec *until),                                          \
      (condition, lock, until))                                                \
    X(pthread_cond_clockwait,                                                  \
      (pthread_cond_t * condition, pthread_mutex_t * lock, clockid_t clock,    \
       const struct timespec *until),                                          \
      (condition, lock, clock, until))                                         \
    X(cnd_wait, (cnd_t * condition, mtx_t * lock), (condition, lock))          \
    X(cnd_timedwait,                                                           \
      (cnd_t * condition, mtx_t * lock, const struct timespec *until),         \
      (condition, lock, until))                                                \
    X(sem_wait, (sem_t * semaphore), (semaphore))                              \
    X(sem_timedwait, (sem_t * semaphore, const struct timespec *until),        \
      (semaphore, until))                                                      \
    X(sem_clockwait,                                                           \
      (sem_t * semaphore, clockid_t clock, const struct timespec *until),      \
      (semaphore, clock, until))                                               \
    X(pthread_join, (pthread_t thread, void **value), (thread, value))         \
    X(pthread_timedjoin_np,                                                    \
      (pthread_t thread, void **value, const struct timespec *until),          \
      (thread, value, until))                                                  \
    X(pthread_clockjoin_np,                                                    \
      (pthread_t thread, void **value, clockid_t clock,                        \
       const struct timespec *until),                                          \
      (thread, value, clock, until))                                           \
    X(thrd_join, (thrd_t thread, int *value), (thread, value))                 \
    X(pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier))

#define REAL_THREAD_MEMBER(name, parameters, arguments) int(*name) parameters;
struct real_thread {
    REAL_THREAD_FUNCTIONS(REAL_THREAD_MEMBER)
};
#undef REAL_THREAD_MEMBER

/* Where libc says to debuggers that something is in a thread's descriptor. */
struct real_thread_field {
    uint32_t bits, count, offset;
};
extern HIDDEN const struct real_thread_field *real_thread_tid; /* or NULL */

extern HIDDEN struct real_thread real_thread;

/* Looks all of them up. Again is harmless. Threads: any. */
void real_thread_resolve(void);

#endif
