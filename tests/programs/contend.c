/* SPDX-License-Identifier: MIT */
/*
 * contend.c - waits in known numbers at known places.
 *
 * Two threads, in turn: one holds something, the other waits for it, and it is
 * given back HOLD_NS after the waiter said that it is about to wait. Prints
 * "COUNT KIND FUNCTION" for every function that must be found with just that
 * many events: waits in `block`, releases in `mutex`.
 *
 *   contend          everything
 *   contend api      the same, after preprof_set_locks(1)
 *   contend stdin    the same, after the end of standard input
 *   contend many     one lock, more often
 *   contend threads  "COUNT threadcreate FUNCTION"
 *   contend ... killed   is killed at the end
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "preprof.h"

#define HOLD_NS  4000000
#define NOINLINE __attribute__((noinline))
/* Keeps a call from being the last thing a function does. */
#define STAY() __asm__ volatile("")

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static atomic_int ready, told;

static void pause_ns(long ns)
{
    const struct timespec time = {0, ns};

    nanosleep(&time, NULL);
}

static struct timespec in_a_minute(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    time.tv_sec += 60;
    return time;
}

static void need(int error)
{
    if (error) {
        fprintf(stderr, "contend: %s\n", strerror(error));
        exit(1);
    }
}

/* ---- those that wait, and those that let them ---------------------------- */

#define WAIT(name, call)                                                       \
    static NOINLINE void name(void)                                            \
    {                                                                          \
        need(call);                                                            \
        STAY();                                                                \
    }

static struct timespec until_real, until_monotonic;

WAIT(mutex_wait, pthread_mutex_lock(&mutex))
WAIT(mutex_timed_wait, pthread_mutex_timedlock(&mutex, &until_real))
WAIT(mutex_clock_wait,
     pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until_monotonic))
WAIT(mutex_take, pthread_mutex_lock(&mutex))
WAIT(mutex_give, pthread_mutex_unlock(&mutex))
WAIT(recursive_wait, pthread_mutex_lock(&recursive))
WAIT(recursive_take,
     pthread_mutex_lock(&recursive) || pthread_mutex_lock(&recursive))
WAIT(recursive_give_inner, pthread_mutex_unlock(&recursive))
WAIT(recursive_give_outer, pthread_mutex_unlock(&recursive))
WAIT(read_wait, pthread_rwlock_rdlock(&rwlock))
WAIT(read_timed_wait, pthread_rwlock_timedrdlock(&rwlock, &until_real))
WAIT(read_clock_wait,
     pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &until_monotonic))
WAIT(read_take, pthread_rwlock_rdlock(&rwlock))
WAIT(write_wait, pthread_rwlock_wrlock(&rwlock))
WAIT(write_timed_wait, pthread_rwlock_timedwrlock(&rwlock, &until_real))
WAIT(write_clock_wait,
     pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &until_monotonic))
WAIT(write_take, pthread_rwlock_wrlock(&rwlock))
WAIT(rw_give, pthread_rwlock_unlock(&rwlock))
WAIT(sem_wait_here, sem_wait(&semaphore))
WAIT(sem_timed_wait, sem_timedwait(&semaphore, &until_real))
WAIT(sem_clock_wait,
     sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until_monotonic))
WAIT(sem_give, sem_post(&semaphore))

WAIT(c11_wait, mtx_lock(&c11_mutex))
WAIT(c11_timed_wait, mtx_timedlock(&c11_mutex, &until_real))
WAIT(c11_take, mtx_lock(&c11_mutex))
WAIT(c11_give, mtx_unlock(&c11_mutex))

static NOINLINE void c11_cond_wait(void)
{
    c11_take();
    while (!told)
        need(cnd_wait(&c11_condition, &c11_mutex));
    told = 0;
    mtx_unlock(&c11_mutex);
}

static NOINLINE void c11_cond_timed_wait(void)
{
    c11_take();
    while (!told)
        need(cnd_timedwait(&c11_condition, &c11_mutex, &until_real));
    told = 0;
    mtx_unlock(&c11_mutex);
}

static void c11_cond_give(void)
{
    c11_take();
    told = 1;
    cnd_signal(&c11_condition);
    mtx_unlock(&c11_mutex);
}

#define COND_WAIT(name, call)                                                  \
    static NOINLINE void name(void)                                            \
    {                                                                          \
        mutex_take();                                                          \
        while (!told)                                                          \
            need(call);                                                        \
        told = 0;                                                              \
        pthread_mutex_unlock(&mutex);                                          \
    }

COND_WAIT(cond_wait_here, pthread_cond_wait(&condition, &mutex))
COND_WAIT(cond_timed_wait,
          pthread_cond_timedwait(&condition, &mutex, &until_real))
COND_WAIT(cond_clock_wait,
          pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC,
                                 &until_monotonic))
static void cond_give(void)
{
    mutex_take();
    told = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

static NOINLINE void barrier_wait_here(void)
{
    pthread_barrier_wait(&barrier);
    STAY();
}

static void nothing(void)
{
}

/* ---- the script ---------------------------------------------------------- */

struct turn {
    int rounds;
    void (*take)(void);
    void (*wait)(void);
    void (*give)(void);
    void (*give_also)(void); /* after that */
    void (*after)(void);     /* the waiter, when it has what it waited for */
};

static void *wait_in_turn(void *argument)
{
    const struct turn *turn = argument;

    for (int i = 0; i < turn->rounds; i++) {
        while (ready != 1)
            pause_ns(50000);
        ready = 2;
        turn->wait();
        turn->after();
        ready = 0;
    }
    return NULL;
}

static NOINLINE void play(struct turn turn)
{
    pthread_t thread;

    need(pthread_create(&thread, NULL, wait_in_turn, &turn));
    for (int i = 0; i < turn.rounds; i++) {
        turn.take();
        ready = 1;
        while (ready != 2)
            pause_ns(50000);
        pause_ns(HOLD_NS);
        turn.give();
        turn.give_also();
        while (ready != 0)
            pause_ns(50000);
    }
    need(pthread_join(thread, NULL));
}

static void *sleep_a_while(void *nothing_to_do)
{
    pause_ns(HOLD_NS);
    return nothing_to_do;
}

#define JOIN(name, call)                                                       \
    static NOINLINE void name(void)                                            \
    {                                                                          \
        pthread_t thread;                                                      \
                                                                               \
        need(pthread_create(&thread, NULL, sleep_a_while, NULL));              \
        need(call);                                                            \
        STAY();                                                                \
    }
JOIN(join_wait, pthread_join(thread, NULL))
JOIN(join_timed_wait, pthread_timedjoin_np(thread, NULL, &until_real))
JOIN(join_clock_wait,
     pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until_monotonic))

static int sleep_c11(void *nothing_to_do)
{
    pause_ns(HOLD_NS);
    return nothing_to_do == NULL;
}

static NOINLINE void c11_join_wait(void)
{
    thrd_t thread;
    int value = 0;

    need(thrd_create(&thread, sleep_c11, NULL));
    need(thrd_join(thread, &value));
    need(value != 1);
}

static void play_all(void)
{
    const struct turn turns[] = {
        {13, mutex_take, mutex_wait, mutex_give, nothing, mutex_give},
        {2, mutex_take, mutex_timed_wait, mutex_give, nothing, mutex_give},
        {3, mutex_take, mutex_clock_wait, mutex_give, nothing, mutex_give},
        {7, recursive_take, recursive_wait, recursive_give_inner,
         recursive_give_outer, recursive_give_outer},
        {5, write_take, read_wait, rw_give, nothing, rw_give},
        {3, write_take, read_timed_wait, rw_give, nothing, rw_give},
        {2, write_take, read_clock_wait, rw_give, nothing, rw_give},
        {11, read_take, write_wait, rw_give, nothing, rw_give},
        {2, write_take, write_timed_wait, rw_give, nothing, rw_give},
        {3, write_take, write_clock_wait, rw_give, nothing, rw_give},
        {7, nothing, sem_wait_here, sem_give, nothing, nothing},
        {2, nothing, sem_timed_wait, sem_give, nothing, nothing},
        {3, nothing, sem_clock_wait, sem_give, nothing, nothing},
        {5, nothing, cond_wait_here, cond_give, nothing, nothing},
        {2, nothing, cond_timed_wait, cond_give, nothing, nothing},
        {3, nothing, cond_clock_wait, cond_give, nothing, nothing},
        {5, c11_take, c11_wait, c11_give, nothing, c11_give},
        {2, c11_take, c11_timed_wait, c11_give, nothing, c11_give},
        {3, nothing, c11_cond_wait, c11_cond_give, nothing, nothing},
        {2, nothing, c11_cond_timed_wait, c11_cond_give, nothing, nothing},
        {5, nothing, barrier_wait_here, barrier_wait_here, nothing, nothing},
    };

    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
        play(turns[i]);
    for (int i = 0; i < 3; i++)
        join_wait();
    join_timed_wait();
    join_clock_wait();
    c11_join_wait();
    puts("13 block mutex_wait\n2 block mutex_timed_wait\n"
         "3 block mutex_clock_wait\n7 block recursive_wait\n"
         "5 block read_wait\n3 block read_timed_wait\n"
         "2 block read_clock_wait\n11 block write_wait\n"
         "2 block write_timed_wait\n3 block write_clock_wait\n"
         "7 block sem_wait_here\n2 block sem_timed_wait\n"
         "3 block sem_clock_wait\n5 block cond_wait_here\n"
         "2 block cond_timed_wait\n3 block cond_clock_wait\n"
         "5 block barrier_wait_here\n3 block join_wait\n"
         "1 block join_timed_wait\n1 block join_clock_wait\n"
         "5 block c11_wait\n2 block c11_timed_wait\n"
         "3 block c11_cond_wait\n2 block c11_cond_timed_wait\n"
         "1 block c11_join_wait\n7 mutex c11_give\n"
         "18 mutex mutex_give\n7 mutex recursive_give_outer\n"
         "26 mutex rw_give");
}

#define MANY_ROUNDS 101

static void play_many(void)
{
    play((struct turn){MANY_ROUNDS, mutex_take, mutex_wait, mutex_give, nothing,
                       mutex_give});
    printf("%d block mutex_wait\n%d mutex mutex_give\n", MANY_ROUNDS,
           MANY_ROUNDS);
}

/* ---- threads ------------------------------------------------------------- */

static void *do_nothing(void *argument)
{
    return argument;
}

static int do_little(void *argument)
{
    return argument != NULL;
}

static NOINLINE void create_posix(void)
{
    pthread_t thread;

    need(pthread_create(&thread, NULL, do_nothing, NULL));
    need(pthread_join(thread, NULL));
}

static NOINLINE void create_c11(void)
{
    thrd_t thread;

    if (thrd_create(&thread, do_little, NULL) != thrd_success ||
        thrd_join(thread, NULL) != thrd_success)
        exit(1);
}

/* One that cannot be: no thread has so large a stack. */
static NOINLINE void create_none(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    need(pthread_attr_init(&attributes));
    need(pthread_attr_setstacksize(&attributes, (size_t)1 << 62));
    if (pthread_create(&thread, &attributes, do_nothing, NULL) != EAGAIN)
        exit(1);
    pthread_attr_destroy(&attributes);
}

static void create_all(void)
{
    for (int i = 0; i < 211; i++)
        create_posix();
    for (int i = 0; i < 101; i++)
        create_c11();
    create_none();
    puts("211 threadcreate create_posix\n101 threadcreate create_c11");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    pthread_mutexattr_t attributes;

    until_real = in_a_minute(CLOCK_REALTIME);
    until_monotonic = in_a_minute(CLOCK_MONOTONIC);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attributes);
    pthread_barrier_init(&barrier, NULL, 2);
    sem_init(&semaphore, 0, 0);
    need(mtx_init(&c11_mutex, mtx_timed));
    need(cnd_init(&c11_condition));
    if (strcmp(what, "api") == 0)
        need(-preprof_set_locks(1));
    if (strcmp(what, "stdin") == 0)
        while (getchar() != EOF)
            continue;
    if (strcmp(what, "threads") == 0)
        create_all();
    else if (strcmp(what, "many") == 0)
        play_many();
    else
        play_all();
    fflush(stdout);
    if (strcmp(argv[argc - 1], "killed") == 0)
        raise(SIGKILL);
    return 0;
}
