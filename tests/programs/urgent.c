/* SPDX-License-Identifier: MIT */
/*
 * urgent.c - `urgent WHAT`: a program's own use of SIGURG and SIGWINCH. Prints
 * "ready", works for some seconds of which a profile may be taken, and says
 * what it saw: the same with and without the shim.
 *
 *   ask      every way to ask and to set what is no handler
 *   handle   a handler by each way, a signal raised to it
 *   wait     waits for SIGURG without a handler, working meanwhile
 *   wait-all the same for every signal there is
 *   loop     default, ignored and a handler in turns, all the time
 *   both     handlers for both signals
 *   fork     forks all the time; each child works a little
 *   large    forks with so many pages that it takes longer than from one tick
 *            to the next
 *   exec     becomes itself again, with threads that work, once with SIGURG
 *            blocked, and says whether one has come along
 *   stack    has a small alternate stack, and works, then works on it
 *   fiber    has an alternate stack, and works on one that no signal fits, as
 *            Go's are
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define RUN_S 0.6

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

typedef void handler(int number);
handler *bsd_signal(int number, handler *wanted);

static volatile sig_atomic_t came;

static void on_signal(int number)
{
    came += number == SIGURG || number == SIGWINCH;
}

static void on_usr1(int number);

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void work(double seconds)
{
    volatile uint64_t sum = 0;

    for (double from = now_s(); now_s() - from < seconds;)
        for (int i = 0; i < 20000; i++)
            sum += (uint64_t)i;
}

static void on_usr1(int number)
{
    (void)number;
    work(RUN_S / 2);
}

static const char *name_of(handler *value)
{
    return value == SIG_DFL     ? "default"
           : value == SIG_IGN   ? "ignored"
           : value == SIG_ERR   ? "error"
           : value == SIG_HOLD  ? "held"
           : value == on_signal ? "ours"
                                : "another";
}

static void show(const char *how, handler *value)
{
    printf("%s %s\n", how, name_of(value));
}

static void show_action(const char *how, int number)
{
    struct sigaction seen;

    sigaction(number, NULL, &seen);
    printf("%s %s flags %x masked %d\n", how, name_of(seen.sa_handler),
           (unsigned)seen.sa_flags & ~0x04000000u,
           sigismember(&seen.sa_mask, number));
}

/* libc's, by the name that Erlang's own sigaction() looks for. */
int __sigaction(int number, const struct sigaction *wanted,
                struct sigaction *seen);

static void ask(int number)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN, .sa_flags = SA_NODEFER};
    struct sigaction seen;

    show_action("at first", number);
    printf("__sigaction %d\n", __sigaction(number, NULL, &seen));
    show("__sigaction", seen.sa_handler);
    printf("sigaction %d\n", sigaction(number, &ignore, NULL));
    show_action("sigaction", number);
    show("signal", signal(number, SIG_DFL));
    show_action("signal", number);
    show("bsd_signal", bsd_signal(number, SIG_IGN));
    show("sysv_signal", sysv_signal(number, SIG_DFL));
    show_action("sysv_signal", number);
    show("sigset", sigset(number, SIG_HOLD));
    show("sigset", sigset(number, SIG_IGN));
    show_action("sigset", number);
    printf("sigignore %d\n", sigignore(number));
    printf("siginterrupt %d\n", siginterrupt(number, 0));
    show("signal", signal(number, SIG_ERR));
    printf("errno %d\n", errno);
    show("signal", signal(number, SIG_DFL));
    raise(number);
}

static void handle(int number)
{
    struct sigaction mine = {.sa_handler = on_signal}, before;

    show("signal", signal(number, on_signal));
    show_action("signal", number);
    raise(number);
    printf("came %d\n", (int)came);
    show("signal", signal(number, SIG_DFL));
    raise(number);
    printf("sigaction %d\n", sigaction(number, &mine, &before));
    show("before", before.sa_handler);
    raise(number);
    printf("came %d\n", (int)came);
}

static int read_signal(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo
                                                         : -errno;
}

/* With all blocked: what comes by itself, and what we send. */
static void wait_for(const sigset_t *set, int number)
{
    const struct timespec none = {0, 0};
    int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC), got = 0;
    siginfo_t info;

    work(RUN_S / 2);
    printf("signalfd %d\n", read_signal(fd));
    raise(number);
    printf("signalfd %d\n", read_signal(fd));
    work(RUN_S / 2);
    printf("sigtimedwait %d\n", sigtimedwait(set, NULL, &none));
    raise(number);
    printf("sigtimedwait %d\n", sigtimedwait(set, &info, &none));
    raise(number);
    printf("sigwaitinfo %d\n", sigwaitinfo(set, &info));
    raise(number);
    printf("sigwait %d", sigwait(set, &got));
    printf(" %d\n", got);
}

static void wait_without_handler(int number)
{
    sigset_t all, set;

    work(RUN_S / 2);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    wait_for(number == SIGURG ? &set : &all, number);
}

static void loop(int number)
{
    handler *const all[] = {SIG_DFL, SIG_IGN, on_signal};

    for (double from = now_s(); now_s() - from < RUN_S;)
        for (int i = 0; i < 3; i++) {
            signal(number, all[i]);
            work(0.005);
        }
}

static void fork_often(void)
{
    int children = 0, status;

    for (double from = now_s(); now_s() - from < RUN_S; children++) {
        pid_t child;

        work(0.02);
        child = fork();

        if (child == 0) {
            raise(SIGURG); /* before anything in it is known to a preload */
            free(malloc(1));
            work(0.02);
            _exit(7);
        }
        if (waitpid(child, &status, 0) != child || status != 7 << 8)
            printf("a child ended with %x\n", (unsigned)status);
    }
    if (children == 0)
        puts("no child");
}

#define LARGE_BYTES ((size_t)256 << 20)
#define LARGE_FORKS 25

static void fork_large(void)
{
    const size_t page = 4096;
    int ended = 0, status;
    char *pages = mmap(NULL, LARGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED ||
        madvise(pages, LARGE_BYTES, MADV_NOHUGEPAGE) != 0)
        return;
    for (size_t i = 0; i < LARGE_BYTES; i += page)
        pages[i] = 1;
    for (int i = 0; i < LARGE_FORKS; i++) {
        pid_t child = fork();

        if (child == 0)
            _exit(0);
        ended += waitpid(child, &status, 0) == child && status == 0;
    }
    printf("ended %d\n", ended);
}

static void *run(void *unused)
{
    (void)unused;
    for (;;)
        work(1);
    return NULL;
}

static void exec_again(void)
{
    sigset_t urgent;
    pthread_t thread;

    for (int i = 0; i < 2; i++)
        if (pthread_create(&thread, NULL, run, NULL) != 0)
            exit(1);
    work(0.05);
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    sigprocmask(SIG_BLOCK, &urgent, NULL);
    work(0.02);
    execl("/proc/self/exe", "urgent", "exec", "again", (char *)NULL);
    exit(1);
}

static void look_after_exec(void)
{
    sigset_t pending;

    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGURG));
}

static void work_on_small_stack(void)
{
    /* What Rust's threads have. */
    stack_t stack = {.ss_sp = malloc(8192), .ss_size = 8192};
    struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};

    printf("sigaltstack %d\n", sigaltstack(&stack, NULL));
    work(RUN_S / 2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

static ucontext_t outside;

static void work_inside(void)
{
    work(RUN_S / 2);
    came += 0; /* a frame of its own */
}

static void work_on_fiber(void)
{
    const size_t page = 4096;
    static char alternate[65536];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ucontext_t fiber;

    work(0.01); /* binding what it calls takes more stack than that */
    if (pages == MAP_FAILED || mprotect(pages, page, PROT_NONE) != 0 ||
        sigaltstack(&stack, NULL) != 0 || getcontext(&fiber) != 0)
        exit(1);
    fiber.uc_stack = (stack_t){.ss_sp = pages + page, .ss_size = 1024};
    fiber.uc_link = &outside;
    makecontext(&fiber, work_inside, 0);
    printf("swapcontext %d\n", swapcontext(&outside, &fiber));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    free(malloc(1)); /* so that there is a segment */
    if (argc == 2) {
        puts("ready");
        fflush(stdout);
    }
    if (strcmp(what, "ask") == 0) {
        ask(SIGURG);
        ask(SIGWINCH);
    } else if (strcmp(what, "handle") == 0) {
        work(RUN_S / 2);
        handle(SIGURG);
        handle(SIGWINCH);
        work(RUN_S / 2);
    } else if (strcmp(what, "wait") == 0) {
        wait_without_handler(SIGURG);
    } else if (strcmp(what, "wait-all") == 0) {
        wait_without_handler(SIGTERM);
    } else if (strcmp(what, "loop") == 0) {
        loop(SIGURG);
    } else if (strcmp(what, "both") == 0) {
        signal(SIGWINCH, on_signal); /* ours would come next */
        signal(SIGURG, on_signal);
        work(RUN_S);
    } else if (strcmp(what, "fork") == 0) {
        fork_often();
    } else if (strcmp(what, "large") == 0) {
        fork_large();
    } else if (strcmp(what, "exec") == 0) {
        argc == 2 ? exec_again() : look_after_exec();
    } else if (strcmp(what, "stack") == 0) {
        work_on_small_stack();
    } else if (strcmp(what, "fiber") == 0) {
        work_on_fiber();
    }
    printf("came %d\n", (int)came);
    return 0;
}
