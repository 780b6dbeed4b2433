/* SPDX-License-Identifier: MIT */
/*
 * blocked.c - a thread in every call of signal(7) that may return EINTR, or
 * has a time limit, each named after its call; one that runs; one that blocks
 * all signals. Says "ready N"; at the end of its input it says which calls
 * have returned, "returned NAME ERRNO", then "end", and ends with status 0.
 *
 * Built with frame pointers, so that walks need a register.
 * FLAGS: -O0 -fno-omit-frame-pointer
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct timespec hour = {3600, 0};

static void check(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    _exit(1);
}

static struct timespec in_an_hour(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += 3600;
    return now;
}

/* The reading end of a pipe into which nobody writes. */
static int quiet_pipe(void)
{
    int ends[2];

    check(pipe(ends) == 0, "pipe");
    return ends[0];
}

static int quiet_socket(void)
{
    int ends[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    return ends[0];
}

/* A file that somebody has open in another place, for locks. */
static int lock_file(void)
{
    char name[] = "/tmp/blocked.XXXXXX", again[64];
    int fd = mkstemp(name);

    check(fd >= 0, name);
    check(flock(fd, LOCK_EX) == 0, "flock");
    snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
    unlink(name);
    fd = open(again, O_RDWR);
    check(fd >= 0, again);
    return fd;
}

static long do_read(void)
{
    char byte;
    return read(quiet_pipe(), &byte, 1);
}

static long do_readv(void)
{
    char byte;
    struct iovec piece = {&byte, 1};
    return readv(quiet_pipe(), &piece, 1);
}

static long do_write(void)
{
    static char much[1 << 20];
    int ends[2];

    check(pipe(ends) == 0, "pipe");
    return write(ends[1], much, sizeof(much));
}

/* By a name that stays: a call that is stopped looks for it again. */
static long do_open(void)
{
    char name[64];
    int pipe;

    snprintf(name, sizeof(name), "/tmp/blocked.%d", (int)getpid());
    check(mkfifo(name, 0600) == 0, name);
    pipe = open(name, O_PATH);
    unlink(name);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", pipe);
    return open(name, O_RDONLY);
}

static long do_wait4(void)
{
    pid_t parent = getpid(), child = fork();
    int status;

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent)
            pause();
        _exit(0);
    }
    return waitpid(child, &status, 0);
}

static long do_waitid(void)
{
    siginfo_t info;
    pid_t parent = getpid(), child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent)
            pause();
        _exit(0);
    }
    return waitid(P_PID, (id_t)child, &info, WEXITED);
}

static struct sockaddr_un address(const char *name, socklen_t *size)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int length = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "%s.%d",
                          name, (int)getpid());

    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                        (size_t)length);
    return to;
}

static int listening(const char *name)
{
    socklen_t size;
    struct sockaddr_un to = address(name, &size);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    check(bind(fd, (struct sockaddr *)&to, size) == 0 && listen(fd, 0) == 0,
          name);
    return fd;
}

static long do_accept(void)
{
    return accept(listening("accept"), NULL, NULL);
}

static int socket_with_limits(int fd)
{
    const struct timeval limit = {3600, 0};

    check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
              setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ==
                  0,
          "setsockopt");
    return fd;
}

static int plain_socket(int fd)
{
    return fd;
}

static long connect_to(const char *name, int (*prepare)(int fd))
{
    socklen_t size;
    struct sockaddr_un to = address(name, &size);
    long got = 0;

    listening(name);
    for (int i = 0; i < 4 && got == 0; i++) /* more than wait in the queue */
        got = connect(prepare(socket(AF_UNIX, SOCK_STREAM, 0)),
                      (struct sockaddr *)&to, size);
    return got;
}

static long do_connect(void)
{
    return connect_to("connect", plain_socket);
}

static long do_connect_limit(void)
{
    return connect_to("connect_limit", socket_with_limits);
}

static long do_read_limit(void)
{
    char byte;
    return read(socket_with_limits(quiet_socket()), &byte, 1);
}

static long do_recv(void)
{
    char byte;
    return recv(quiet_socket(), &byte, 1, 0);
}

static long do_recv_limit(void)
{
    char byte;
    return recv(socket_with_limits(quiet_socket()), &byte, 1, 0);
}

static long do_recvmsg(void)
{
    struct msghdr message = {.msg_iov = NULL};
    return recvmsg(quiet_socket(), &message, 0);
}

static long do_recvmmsg(void)
{
    struct mmsghdr message = {.msg_len = 0};
    struct timespec limit = hour;
    return recvmmsg(quiet_socket(), &message, 1, 0, &limit);
}

static long do_send(void)
{
    static char much[1 << 20];
    return send(quiet_socket(), much, sizeof(much), 0);
}

static long do_send_limit(void)
{
    static char much[1 << 20];
    return send(socket_with_limits(quiet_socket()), much, sizeof(much), 0);
}

static long do_flock(void)
{
    return flock(lock_file(), LOCK_EX);
}

static long do_fcntl(void)
{
    struct flock lock = {.l_type = F_WRLCK};
    char again[64];
    int fd = lock_file(), other;

    check(fcntl(fd, F_OFD_SETLK, &lock) == 0, "F_OFD_SETLK");
    snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
    other = open(again, O_RDWR);
    return fcntl(other, F_OFD_SETLKW, &lock);
}

static mqd_t queue(const char *what)
{
    struct mq_attr size = {.mq_maxmsg = 1, .mq_msgsize = 1};
    char name[64];
    mqd_t fd;

    snprintf(name, sizeof(name), "/blocked-%s-%d", what, (int)getpid());
    fd = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &size);
    check(fd >= 0, name);
    mq_unlink(name);
    return fd;
}

static long do_mq_receive(void)
{
    char byte;
    return mq_receive(queue("receive"), &byte, 1, NULL);
}

static long do_mq_timedsend(void)
{
    struct timespec until = in_an_hour();
    mqd_t fd = queue("send");

    check(mq_send(fd, "1", 1, 0) == 0, "mq_send");
    return mq_timedsend(fd, "2", 1, 0, &until);
}

static long do_mutex(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    errno = pthread_mutex_lock(&lock); /* by itself: for ever */
    return -1;
}

static long do_cond(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

    pthread_mutex_lock(&lock);
    errno = pthread_cond_wait(&cond, &lock);
    return -1;
}

static long do_cond_limit(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    struct timespec until = in_an_hour();

    pthread_mutex_lock(&lock);
    errno = pthread_cond_timedwait(&cond, &lock, &until);
    return -1;
}

static long do_sem(void)
{
    sem_t sem;

    sem_init(&sem, 0, 0);
    return sem_wait(&sem);
}

static long do_sem_limit(void)
{
    struct timespec until = in_an_hour();
    sem_t sem;

    sem_init(&sem, 0, 0);
    return sem_timedwait(&sem, &until);
}

static long do_pause(void)
{
    return pause();
}

static long do_sigsuspend(void)
{
    sigset_t none;

    sigemptyset(&none);
    return sigsuspend(&none);
}

static sigset_t one_signal(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return set;
}

static long do_sigwaitinfo(void)
{
    sigset_t set = one_signal();
    return sigwaitinfo(&set, NULL);
}

static long do_sigtimedwait(void)
{
    sigset_t set = one_signal();
    return sigtimedwait(&set, NULL, &hour);
}

static long do_epoll_wait(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, -1);
}

static long do_epoll_limit(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, 3600000);
}

static long do_epoll_pwait(void)
{
    struct epoll_event event;
    sigset_t none;

    sigemptyset(&none);
    return epoll_pwait(epoll_create1(0), &event, 1, -1, &none);
}

static long do_poll(void)
{
    return poll(NULL, 0, -1);
}

static long do_poll_limit(void)
{
    return poll(NULL, 0, 3600000);
}

static long do_ppoll(void)
{
    sigset_t none;

    sigemptyset(&none);
    return ppoll(NULL, 0, &hour, &none);
}

static long do_select(void)
{
    struct timeval limit = {3600, 0};
    return select(0, NULL, NULL, NULL, &limit);
}

static long do_pselect(void)
{
    sigset_t none;

    sigemptyset(&none);
    return pselect(0, NULL, NULL, NULL, NULL, &none);
}

/* What outlives a process: removed at the end, as a waiter would notice. */
static int queue_id = -1, semaphore_ids[2] = {-1, -1};

static long do_msgrcv(void)
{
    struct {
        long type;
        char text[1];
    } message;

    queue_id = msgget(IPC_PRIVATE, 0600);
    check(queue_id >= 0, "msgget");
    return msgrcv(queue_id, &message, 1, 0, 0);
}

static int semaphore(int which)
{
    semaphore_ids[which] = semget(IPC_PRIVATE, 1, 0600);
    check(semaphore_ids[which] >= 0, "semget");
    return semaphore_ids[which];
}

static long do_semop(void)
{
    struct sembuf down = {0, -1, 0};
    return semop(semaphore(0), &down, 1);
}

static long do_semtimedop(void)
{
    struct sembuf down = {0, -1, 0};
    return semtimedop(semaphore(1), &down, 1, &hour);
}

static long do_nanosleep(void)
{
    return nanosleep(&hour, NULL);
}

static long do_clock_nanosleep(void)
{
    struct timespec until = in_an_hour();

    errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    return -1;
}

static long do_io_getevents(void)
{
    aio_context_t context = 0;
    struct io_event event;

    check(syscall(SYS_io_setup, 1, &context) == 0, "io_setup");
    return syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
}

static long do_inotify(void)
{
    char event[256];
    return read(inotify_init(), event, sizeof(event));
}

static long do_all_blocked(void)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return poll(NULL, 0, -1);
}

static long do_spin(void)
{
    volatile unsigned long spun = 1;

    while (spun)
        spun += 2;
    return 0;
}

static const struct call {
    const char *name;
    long (*function)(void);
} calls[] = {
    {"read", do_read},
    {"readv", do_readv},
    {"write", do_write},
    {"open", do_open},
    {"wait4", do_wait4},
    {"waitid", do_waitid},
    {"accept", do_accept},
    {"connect", do_connect},
    {"connect_limit", do_connect_limit},
    {"read_limit", do_read_limit},
    {"recv", do_recv},
    {"recv_limit", do_recv_limit},
    {"recvmsg", do_recvmsg},
    {"recvmmsg", do_recvmmsg},
    {"send", do_send},
    {"send_limit", do_send_limit},
    {"flock", do_flock},
    {"fcntl", do_fcntl},
    {"mq_receive", do_mq_receive},
    {"mq_timedsend", do_mq_timedsend},
    {"mutex", do_mutex},
    {"cond", do_cond},
    {"cond_limit", do_cond_limit},
    {"sem", do_sem},
    {"sem_limit", do_sem_limit},
    {"pause", do_pause},
    {"sigsuspend", do_sigsuspend},
    {"sigwaitinfo", do_sigwaitinfo},
    {"sigtimedwait", do_sigtimedwait},
    {"epoll_wait", do_epoll_wait},
    {"epoll_limit", do_epoll_limit},
    {"epoll_pwait", do_epoll_pwait},
    {"poll", do_poll},
    {"poll_limit", do_poll_limit},
    {"ppoll", do_ppoll},
    {"select", do_select},
    {"pselect", do_pselect},
    {"msgrcv", do_msgrcv},
    {"semop", do_semop},
    {"semtimedop", do_semtimedop},
    {"nanosleep", do_nanosleep},
    {"clock_nanosleep", do_clock_nanosleep},
    {"io_getevents", do_io_getevents},
    {"inotify", do_inotify},
    {"all_blocked", do_all_blocked},
    {"spin", do_spin},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static volatile int returned[CALLS]; /* errno, or -1 for none */
static sem_t begun;

static void *run(void *argument)
{
    const struct call *call = argument;

    prctl(PR_SET_NAME, call->name);
    sem_post(&begun);
    returned[call - calls] = call->function() < 0 ? errno : -1;
    return NULL;
}

int main(void)
{
    char byte;

    sem_init(&begun, 0, 0);
    for (size_t i = 0; i < CALLS; i++) {
        pthread_t thread;

        check(pthread_create(&thread, NULL, run, (void *)&calls[i]) == 0,
              "pthread_create");
        sem_wait(&begun);
    }
    usleep(100000);
    printf("ready %zu\n", CALLS + 1);
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    for (size_t i = 0; i < CALLS; i++)
        if (returned[i])
            printf("returned %s %d\n", calls[i].name, returned[i]);
    msgctl(queue_id, IPC_RMID, NULL);
    semctl(semaphore_ids[0], 0, IPC_RMID);
    semctl(semaphore_ids[1], 0, IPC_RMID);
    printf("end\n");
    fflush(stdout);
    _exit(0);
}
