/* SPDX-License-Identifier: MIT */
/*
 * locksem.c - what every wrapped thread function answers, in every case that
 * its manual names: prints it, one line each. With the shim and without it the
 * output is the same, recorded or not.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SHOW(call) show(#call, call)

static void show(const char *call, int result)
{
    printf("%s: %d\n", call, result);
}

/* Of functions that answer by errno, which must stay alone where they do not
 * fail. */
#define SHOW_ERRNO(call)                                                       \
    do {                                                                       \
        int result_;                                                           \
        errno = 77;                                                            \
        result_ = (call);                                                      \
        printf("%s: %d errno %d\n", #call, result_, errno);                    \
    } while (0)

static void pause_ms(int ms)
{
    const struct timespec time = {0, ms * 1000000L};

    nanosleep(&time, NULL);
}

static atomic_int flags[8];
/* Threads wait for each other without a function that is tested. */
enum { LOCKED, TRIED, GATE, BLOCKED, CANCELLED };

static void raise_flag(int flag)
{
    flags[flag] = 1;
}

static void await_flag(int flag)
{
    while (!flags[flag])
        pause_ms(1);
}

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec time;

    clock_gettime(clock, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static struct timespec soon, soon_monotonic;
static const struct timespec past = {1, 0}, bad = {1, 1000000000},
                             negative = {1, -1};

static void set_soon(void)
{
    soon = in_ms(CLOCK_REALTIME, 3);
    soon_monotonic = in_ms(CLOCK_MONOTONIC, 3);
}

static void run(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    int created = pthread_create(&thread, NULL, function, argument);

    SHOW(pthread_join(thread, NULL));
    SHOW(created);
}

/* ---- mutexes ------------------------------------------------------------- */

static void *from_another_thread(void *argument)
{
    pthread_mutex_t *mutex = argument;

    set_soon();
    SHOW(pthread_mutex_trylock(mutex));
    SHOW(pthread_mutex_timedlock(mutex, &soon));
    SHOW(pthread_mutex_timedlock(mutex, &past));
    SHOW(pthread_mutex_timedlock(mutex, &bad));
    SHOW(pthread_mutex_timedlock(mutex, &negative));
    SHOW(pthread_mutex_clocklock(mutex, CLOCK_REALTIME, &soon));
    SHOW(pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &soon_monotonic));
    SHOW(pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &bad));
    SHOW(pthread_mutex_clocklock(mutex, CLOCK_PROCESS_CPUTIME_ID, &soon));
    return NULL;
}

static void *unlock_of_another(void *mutex)
{
    SHOW(pthread_mutex_unlock(mutex));
    return NULL;
}

static void try_mutex(const char *name, int type, int protocol, int robust)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;

    printf("-- %s\n", name);
    pthread_mutexattr_init(&attributes);
    SHOW(pthread_mutexattr_settype(&attributes, type));
    SHOW(pthread_mutexattr_setprotocol(&attributes, protocol));
    SHOW(pthread_mutexattr_setrobust(&attributes, robust));
    SHOW(pthread_mutex_init(&mutex, &attributes));
    SHOW(pthread_mutex_lock(&mutex));
    run(from_another_thread, &mutex);
    if (type != PTHREAD_MUTEX_NORMAL || robust) /* else undefined */
        run(unlock_of_another, &mutex);
    if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK) {
        set_soon();
        SHOW(pthread_mutex_lock(&mutex));
        SHOW(pthread_mutex_timedlock(&mutex, &soon));
        SHOW(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon_monotonic));
    }
    if (type == PTHREAD_MUTEX_RECURSIVE)
        for (int i = 0; i < 3; i++)
            SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    if (type == PTHREAD_MUTEX_ERRORCHECK || type == PTHREAD_MUTEX_RECURSIVE)
        SHOW(pthread_mutex_unlock(&mutex));
    /* Free: what is said of times that make no sense. */
    SHOW(pthread_mutex_timedlock(&mutex, &past));
    SHOW(pthread_mutex_unlock(&mutex));
    if (pthread_mutex_timedlock(&mutex, &bad) == 0)
        SHOW(pthread_mutex_unlock(&mutex));
    if (pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &bad) == 0)
        SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_clocklock(&mutex, 99, &soon));
    SHOW(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &soon));
    SHOW(pthread_mutex_destroy(&mutex));
}

static void *lock_and_die(void *mutex)
{
    SHOW(pthread_mutex_lock(mutex));
    raise_flag(LOCKED);
    pause_ms(8);
    return NULL;
}

/* The owner dies while somebody waits, and while nobody does. */
static void try_dead_owner(int protocol)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    pthread_t thread;

    printf("-- dead owner, protocol %d\n", protocol);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    pthread_mutex_init(&mutex, &attributes);
    flags[LOCKED] = 0;
    pthread_create(&thread, NULL, lock_and_die, &mutex);
    await_flag(LOCKED);
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_consistent(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    pthread_join(thread, NULL);
    run(lock_and_die, &mutex);
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex)); /* not made consistent */
    SHOW(pthread_mutex_lock(&mutex));
    set_soon();
    SHOW(pthread_mutex_timedlock(&mutex, &soon));
    SHOW(pthread_mutex_destroy(&mutex));
}

/* Shared with a process that dies. */
static void try_dead_process(void)
{
    pthread_mutexattr_t attributes;
    struct {
        pthread_mutex_t mutex;
        atomic_int locked;
    } *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_t *mutex = &shared->mutex;
    pid_t child;

    printf("-- dead process\n");
    fflush(stdout);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &attributes);
    child = fork();
    if (child == 0) {
        pthread_mutex_lock(mutex);
        shared->locked = 1;
        pause_ms(8);
        _exit(0);
    }
    while (!shared->locked)
        pause_ms(1);
    SHOW(pthread_mutex_lock(mutex));
    waitpid(child, NULL, 0);
    SHOW(pthread_mutex_consistent(mutex));
    SHOW(pthread_mutex_unlock(mutex));
}

/* ---- read-write locks ---------------------------------------------------- */

static void *rw_from_another(void *argument)
{
    pthread_rwlock_t *lock = argument;

    set_soon();
    SHOW(pthread_rwlock_tryrdlock(lock));
    if (pthread_rwlock_timedrdlock(lock, &soon) == 0)
        SHOW(pthread_rwlock_unlock(lock));
    SHOW(pthread_rwlock_timedwrlock(lock, &soon));
    SHOW(pthread_rwlock_timedwrlock(lock, &past));
    SHOW(pthread_rwlock_timedrdlock(lock, &bad));
    SHOW(pthread_rwlock_timedwrlock(lock, &bad));
    SHOW(pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &soon_monotonic));
    SHOW(pthread_rwlock_clockrdlock(lock, 99, &soon));
    SHOW(pthread_rwlock_clockwrlock(lock, CLOCK_PROCESS_CPUTIME_ID, &soon));
    return NULL;
}

static void try_rwlock(void)
{
    pthread_rwlock_t lock;
    pthread_rwlockattr_t attributes;

    for (int kind = PTHREAD_RWLOCK_PREFER_READER_NP;
         kind <= PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP; kind++) {
        printf("-- rwlock, kind %d\n", kind);
        pthread_rwlockattr_init(&attributes);
        pthread_rwlockattr_setkind_np(&attributes, kind);
        pthread_rwlock_init(&lock, &attributes);
        SHOW(pthread_rwlock_wrlock(&lock));
        SHOW(pthread_rwlock_wrlock(&lock)); /* a deadlock */
        SHOW(pthread_rwlock_rdlock(&lock));
        run(rw_from_another, &lock);
        SHOW(pthread_rwlock_unlock(&lock));
        SHOW(pthread_rwlock_rdlock(&lock));
        SHOW(pthread_rwlock_rdlock(&lock));
        set_soon();
        SHOW(pthread_rwlock_timedwrlock(&lock, &soon));
        SHOW(pthread_rwlock_unlock(&lock));
        SHOW(pthread_rwlock_unlock(&lock));
        /* Free, with times that make no sense. */
        SHOW(pthread_rwlock_timedrdlock(&lock, &bad));
        SHOW(pthread_rwlock_timedwrlock(&lock, &negative));
        SHOW(pthread_rwlock_clockrdlock(&lock, 99, &soon));
        SHOW(pthread_rwlock_timedwrlock(&lock, &past));
        SHOW(pthread_rwlock_unlock(&lock));
        pthread_rwlock_destroy(&lock);
    }
}

/* ---- conditions ---------------------------------------------------------- */

static void try_condition(void)
{
    pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

    printf("-- condition\n");
    set_soon();
    SHOW(pthread_cond_timedwait(&condition, &mutex, &soon)); /* not held */
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &soon));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &past));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &bad));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &negative));
    SHOW(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC,
                                &soon_monotonic));
    SHOW(pthread_cond_clockwait(&condition, &mutex, 99, &soon));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_cond_wait(&condition, &mutex)); /* not held */
}

/* ---- semaphores ---------------------------------------------------------- */

static void on_alarm(int number)
{
    (void)number;
}

static void set_alarm_ms(int ms)
{
    const struct itimerspec when = {{0, ms * 1000000L}, {0, ms * 1000000L}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGALRM};
    static timer_t timer;
    static int made;

    if (!made++)
        timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &when, NULL);
}

static void try_semaphore(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sem_t semaphore;

    printf("-- semaphore\n");
    sigaction(SIGALRM, &action, NULL);
    sem_init(&semaphore, 0, 2);
    SHOW_ERRNO(sem_wait(&semaphore));
    SHOW_ERRNO(sem_timedwait(&semaphore, &bad)); /* not empty */
    SHOW_ERRNO(sem_clockwait(&semaphore, 99, &soon));
    SHOW_ERRNO(sem_timedwait(&semaphore, &past));
    set_soon();
    SHOW_ERRNO(sem_timedwait(&semaphore, &soon));
    SHOW_ERRNO(sem_timedwait(&semaphore, &past));
    SHOW_ERRNO(sem_timedwait(&semaphore, &bad));
    SHOW_ERRNO(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &soon_monotonic));
    SHOW_ERRNO(sem_clockwait(&semaphore, 99, &soon));
    set_alarm_ms(3);
    SHOW_ERRNO(sem_wait(&semaphore));
    set_alarm_ms(0);
    SHOW_ERRNO(sem_trywait(&semaphore));
}

/* ---- threads ------------------------------------------------------------- */

static void *give_back(void *argument)
{
    await_flag(GATE);
    return argument;
}

static void try_join(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *value = NULL;

    printf("-- join\n");
    pthread_create(&thread, NULL, give_back, (void *)1);
    SHOW(pthread_tryjoin_np(thread, &value));
    set_soon();
    SHOW(pthread_timedjoin_np(thread, &value, &past));
    SHOW(pthread_clockjoin_np(thread, &value, 99, &soon));
    raise_flag(GATE);
    SHOW(pthread_timedjoin_np(thread, &value, NULL));
    printf("value %ld\n", (long)value);
    pthread_create(&thread, NULL, give_back, (void *)2);
    pause_ms(15);
    SHOW(pthread_join(thread, &value)); /* has ended */
    printf("value %ld\n", (long)value);
    SHOW(pthread_join(pthread_self(), NULL));
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    flags[GATE] = 0;
    SHOW(pthread_create(&thread, &attributes, give_back, NULL));
    SHOW(pthread_join(thread, NULL)); /* still runs */
    raise_flag(GATE);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 62);
    SHOW(pthread_create(&thread, &attributes, give_back, NULL));
}

static void try_barrier(void)
{
    pthread_barrier_t barrier;

    printf("-- barrier\n");
    pthread_barrier_init(&barrier, NULL, 1);
    SHOW(pthread_barrier_wait(&barrier));
    pthread_barrier_destroy(&barrier);
}

/* ---- C11 ----------------------------------------------------------------- */

static mtx_t c11_mutex;
static cnd_t c11_condition;
static int c11_told;

static int c11_thread(void *argument)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 3);

    SHOW(mtx_trylock(&c11_mutex));
    SHOW(mtx_timedlock(&c11_mutex, &until));
    SHOW(mtx_timedlock(&c11_mutex, &past));
    SHOW(mtx_timedlock(&c11_mutex, &bad));
    SHOW(mtx_unlock(&c11_mutex)); /* another's */
    SHOW(thrd_join(thrd_current(), NULL));
    raise_flag(TRIED);
    mtx_lock(&c11_mutex);
    c11_told = 1;
    cnd_signal(&c11_condition);
    mtx_unlock(&c11_mutex);
    return (int)(long)argument;
}

static int c11_ended(void *nothing)
{
    return nothing ? 0 : -7;
}

static void try_c11(void)
{
    struct timespec until;
    thrd_t thread;
    int result = 0, created;

    printf("-- C11\n");
    SHOW(mtx_init(&c11_mutex, mtx_timed | mtx_recursive));
    SHOW(mtx_lock(&c11_mutex));
    SHOW(mtx_timedlock(&c11_mutex, &past));
    SHOW(mtx_timedlock(&c11_mutex, &bad));
    SHOW(mtx_unlock(&c11_mutex));
    SHOW(mtx_unlock(&c11_mutex));
    SHOW(mtx_unlock(&c11_mutex));
    SHOW(cnd_init(&c11_condition));
    SHOW(mtx_lock(&c11_mutex));
    created = thrd_create(&thread, c11_thread, (void *)41);
    await_flag(TRIED);
    SHOW(created);
    while (!c11_told)
        SHOW(cnd_wait(&c11_condition, &c11_mutex));
    until = in_ms(CLOCK_REALTIME, 3);
    SHOW(cnd_timedwait(&c11_condition, &c11_mutex, &until));
    SHOW(cnd_timedwait(&c11_condition, &c11_mutex, &bad));
    SHOW(mtx_unlock(&c11_mutex));
    SHOW(thrd_join(thread, &result));
    printf("result %d\n", result);
    SHOW(thrd_create(&thread, c11_ended, NULL));
    pause_ms(3);
    SHOW(thrd_join(thread, &result));
    printf("result %d\n", result);
    SHOW(thrd_create(&thread, c11_ended, NULL));
    pause_ms(3);
    SHOW(thrd_join(thread, NULL));
}

/* ---- cancellation -------------------------------------------------------- */

static pthread_mutex_t cancel_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cancel_condition = PTHREAD_COND_INITIALIZER;
static sem_t cancel_semaphore;
static pthread_t cancel_sleeper;

static void cleaned(void *what)
{
    printf("cleaned up: %s\n", (const char *)what);
}

static void cleaned_mutex(void *mutex)
{
    SHOW(pthread_mutex_unlock(mutex)); /* a condition wait gave it back */
}

static void *cancel_in_condition(void *nothing)
{
    pthread_mutex_lock(&cancel_mutex);
    pthread_cleanup_push(cleaned_mutex, &cancel_mutex);
    raise_flag(BLOCKED);
    for (;;)
        pthread_cond_wait(&cancel_condition, &cancel_mutex);
    pthread_cleanup_pop(0);
    return nothing;
}

static void *cancel_in_semaphore(void *nothing)
{
    pthread_cleanup_push(cleaned, "semaphore");
    raise_flag(BLOCKED);
    sem_wait(&cancel_semaphore);
    pthread_cleanup_pop(0);
    return nothing;
}

static void *cancel_before_semaphore(void *nothing)
{
    pthread_cleanup_push(cleaned, "semaphore that is not empty");
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    raise_flag(BLOCKED);
    await_flag(CANCELLED);
    sem_post(&cancel_semaphore);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    sem_wait(&cancel_semaphore);
    pthread_cleanup_pop(0);
    return nothing;
}

static void *cancel_in_join(void *nothing)
{
    pthread_cleanup_push(cleaned, "join");
    raise_flag(BLOCKED);
    pthread_join(cancel_sleeper, NULL);
    pthread_cleanup_pop(0);
    return nothing;
}

static void *cancel_in_mutex(void *nothing)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push(cleaned, "mutex, asynchronously");
    raise_flag(BLOCKED);
    pthread_mutex_lock(&cancel_mutex);
    pthread_cleanup_pop(0);
    return nothing;
}

static void cancel(void *(*function)(void *))
{
    void *value = NULL;
    pthread_t thread;

    flags[BLOCKED] = flags[CANCELLED] = 0;
    pthread_create(&thread, NULL, function, NULL);
    await_flag(BLOCKED);
    pause_ms(3);
    pthread_cancel(thread);
    raise_flag(CANCELLED);
    SHOW(pthread_join(thread, &value));
    printf("cancelled: %d\n", value == PTHREAD_CANCELED);
}

static void try_cancellation(void)
{
    printf("-- cancellation\n");
    sem_init(&cancel_semaphore, 0, 0);
    cancel(cancel_in_condition);
    cancel(cancel_in_semaphore);
    cancel(cancel_before_semaphore);
    flags[GATE] = 0;
    pthread_create(&cancel_sleeper, NULL, give_back, NULL);
    cancel(cancel_in_join);
    raise_flag(GATE);
    SHOW(pthread_join(cancel_sleeper, NULL));
    pthread_mutex_lock(&cancel_mutex);
    cancel(cancel_in_mutex);
    SHOW(pthread_mutex_unlock(&cancel_mutex));
}

/* ---- odd places ---------------------------------------------------------- */

static pthread_mutex_t handler_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t fork_mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_in_handler(int number)
{
    (void)number;
    pthread_mutex_lock(&handler_mutex);
    pthread_mutex_unlock(&handler_mutex);
}

static void before_fork(void)
{
    SHOW(pthread_mutex_lock(&fork_mutex));
}

static void after_fork(void)
{
    SHOW(pthread_mutex_unlock(&fork_mutex));
}

static void at_exit(void)
{
    SHOW(pthread_mutex_lock(&handler_mutex));
    SHOW(pthread_mutex_unlock(&handler_mutex));
}

static void *hold_the_forks(void *nothing)
{
    pthread_mutex_lock(&fork_mutex);
    pause_ms(4);
    pthread_mutex_unlock(&fork_mutex);
    return nothing;
}

static void try_odd_places(void)
{
    struct sigaction action = {.sa_handler = lock_in_handler};
    pthread_t thread;
    pid_t child;

    printf("-- odd places\n");
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 1000; i++)
        raise(SIGUSR1);
    pthread_atfork(before_fork, after_fork, after_fork);
    pthread_create(&thread, NULL, hold_the_forks, NULL);
    pause_ms(2);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        run(give_back, NULL);
        exit(0);
    }
    SHOW(waitpid(child, NULL, 0) != child);
    pthread_join(thread, NULL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(at_exit);
    try_mutex("normal", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, 0);
    try_mutex("adaptive", PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_PRIO_NONE, 0);
    try_mutex("recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, 0);
    try_mutex("checking", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, 0);
    try_mutex("inheriting", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, 0);
    try_mutex("inheriting, checking", PTHREAD_MUTEX_ERRORCHECK,
              PTHREAD_PRIO_INHERIT, 0);
    try_mutex("inheriting, recursive", PTHREAD_MUTEX_RECURSIVE,
              PTHREAD_PRIO_INHERIT, 0);
    try_mutex("robust", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, 1);
    try_mutex("robust, checking", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE,
              1);
    try_mutex("robust, inheriting", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT,
              1);
    try_dead_owner(PTHREAD_PRIO_NONE);
    try_dead_owner(PTHREAD_PRIO_INHERIT);
    try_dead_process();
    try_rwlock();
    try_condition();
    try_semaphore();
    try_join();
    try_barrier();
    try_c11();
    try_cancellation();
    try_odd_places();
    return 0;
}
