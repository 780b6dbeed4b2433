/* SPDX-License-Identifier: MIT */
/*
 * naps.c - calls that end with EINTR at any handler, and who may end them.
 * `naps WHAT` prints "ready" first.
 *
 *   short    a thread per call sleeps shortly, again and again; after 2 s, for
 *            each, how many of its calls have ended with EINTR: "NAME 0"
 *   suspend  waits in sigsuspend() until a handler, which blocks all signals
 *            and is met by a SIGURG, has ended it, 20 times: "returned 20"
 *   full     the same with epoll_wait()
 *   one      waits in epoll_wait() for a signal, SIGRTMIN, that has a handler;
 *            says how often it came, and "EINTR"
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_S  2.0
#define ROUNDS 20

static const struct timespec shortly = {0, 1};
static volatile sig_atomic_t came;

static void check(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- short ------------------------------------------------------------- */

static int epoll;
static sem_t nobody_posts;

static long nap_nanosleep(void)
{
    return nanosleep(&shortly, NULL);
}

static long nap_clock_nanosleep(void)
{
    errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &shortly, NULL);
    return errno ? -1 : 0;
}

static long nap_poll(void)
{
    return poll(NULL, 0, 0);
}

static long nap_ppoll(void)
{
    return ppoll(NULL, 0, &shortly, NULL);
}

static long nap_select(void)
{
    struct timeval limit = {0, 1};
    return select(0, NULL, NULL, NULL, &limit);
}

static long nap_epoll_wait(void)
{
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, 1);
}

static long nap_epoll_pwait2(void)
{
    struct epoll_event event;
    return epoll_pwait2(epoll, &event, 1, &shortly, NULL);
}

static long nap_futex(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 2000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return sem_timedwait(&nobody_posts, &until);
}

static long nap_sigtimedwait(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return sigtimedwait(&set, NULL, &shortly);
}

static const struct nap {
    const char *name;
    long (*take)(void);
} naps[] = {
    {"nanosleep", nap_nanosleep},
    {"clock_nanosleep", nap_clock_nanosleep},
    {"poll", nap_poll},
    {"ppoll", nap_ppoll},
    {"select", nap_select},
    {"epoll_wait", nap_epoll_wait},
    {"epoll_pwait2", nap_epoll_pwait2},
    {"futex", nap_futex},
    {"sigtimedwait", nap_sigtimedwait},
};
#define NAPS (sizeof(naps) / sizeof(naps[0]))

static void *take_naps(void *argument)
{
    const struct nap *nap = argument;
    double end = now_s() + RUN_S;
    size_t ended = 0;

    prctl(PR_SET_TIMERSLACK, 1); /* no longer than asked */
    while (now_s() < end)
        ended += nap->take() < 0 && errno == EINTR;
    return (void *)ended;
}

static void nap_shortly(void)
{
    pthread_t threads[NAPS];

    sem_init(&nobody_posts, 0, 0);
    for (size_t i = 0; i < NAPS; i++)
        check(pthread_create(&threads[i], NULL, take_naps, (void *)&naps[i]) ==
                  0,
              "pthread_create");
    for (size_t i = 0; i < NAPS; i++) {
        void *ended;

        pthread_join(threads[i], &ended);
        printf("%s %zu\n", naps[i].name, (size_t)ended);
    }
}

/* ---- ended by the program's own signals --------------------------------- */

static void handle(int number)
{
    if (number == SIGUSR1)
        raise(SIGURG);
    came++;
}

static void set_handler(int number, int blocks_all)
{
    struct sigaction action = {.sa_handler = handle};

    if (blocks_all)
        sigfillset(&action.sa_mask);
    check(sigaction(number, &action, NULL) == 0, "sigaction");
}

static int is_asleep(pid_t pid)
{
    char name[64], state = 0;
    FILE *stat;

    snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
    stat = fopen(name, "r");
    if (!stat)
        return 0;
    if (fscanf(stat, "%*d (naps) %c", &state) != 1)
        state = 0;
    fclose(stat);
    return state == 'S';
}

/* Signals its parent whenever that one waits, once for each byte that it is
 * told. */
static void signal_parent(int told)
{
    const struct timespec pause = {0, 500000};
    pid_t parent = getppid();
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read(told, &byte, 1) == 1) {
        do
            nanosleep(&pause, NULL);
        while (!is_asleep(parent));
        kill(parent, SIGUSR1);
    }
    _exit(0);
}

static void wait_for_rounds(long (*wait_once)(void))
{
    int ends[2];

    check(pipe(ends) == 0, "pipe");
    set_handler(SIGUSR1, 1);
    if (fork() == 0) {
        close(ends[1]);
        signal_parent(ends[0]);
    }
    for (int i = 1; i <= ROUNDS; i++) {
        check(write(ends[1], "", 1) == 1, "write");
        while (came < i)
            check(wait_once() < 0 && errno == EINTR, "the wait");
    }
    close(ends[1]);
    wait(NULL);
    printf("returned %d\n", (int)came);
}

static long wait_suspend(void)
{
    sigset_t none;

    sigemptyset(&none);
    return sigsuspend(&none);
}

static long wait_epoll(void)
{
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, -1);
}

static void suspend(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    wait_for_rounds(wait_suspend);
}

static void wait_for_one(void)
{
    set_handler(SIGRTMIN, 0);
    check(wait_epoll() < 0 && errno == EINTR, "epoll_wait");
    printf("came %d EINTR\n", (int)came);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";

    epoll = epoll_create1(0);
    free(malloc(1));
    printf("ready\n");
    fflush(stdout);
    if (strcmp(what, "short") == 0)
        nap_shortly();
    else if (strcmp(what, "suspend") == 0)
        suspend();
    else if (strcmp(what, "full") == 0)
        wait_for_rounds(wait_epoll);
    else if (strcmp(what, "one") == 0)
        wait_for_one();
    else
        return 2;
    return 0;
}
