/* SPDX-License-Identifier: MIT */
/* run_child.c - see run_child.h. */
#include "run_child.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const int passed_on[] = {SIGHUP,  SIGINT,  SIGQUIT,
                                SIGTERM, SIGUSR1, SIGUSR2};

/* What run_child_wait() waits for. */
static sigset_t awaited(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
        sigaddset(&set, passed_on[i]);
    return set;
}

/* ---- starting ---------------------------------------------------------- */

static int set_environment(const struct run_variable *variables)
{
    int err = 0;

    for (; variables->name && !err; variables++)
        err = variables->value ? setenv(variables->name, variables->value, 1)
                               : unsetenv(variables->name);
    return err ? -errno : 0;
}

/* The held program's side; `gate` and `failure` are its ends. */
static _Noreturn void exec_when_released(const struct run_child *child,
                                         int gate, int failure, char **command,
                                         const struct run_variable *variables)
{
    char go;
    int err = -set_environment(variables);

    if (read(gate, &go, 1) != 1)
        _exit(0);
    /* Under Yama, which lets only ancestors look at threads: our parent, and
     * with it the server that it starts. Kept by exec; elsewhere it fails. */
    (void)prctl(PR_SET_PTRACER, getppid());
    sigaction(SIGCHLD, &child->on_child, NULL);
    sigprocmask(SIG_SETMASK, &child->signals, NULL);
    if (!err) {
        execvp(command[0], command);
        err = errno;
    }
    /* Nobody reads it: then nobody is there to be told. */
    _exit(write(failure, &err, sizeof(err)) == sizeof(err) ? 0 : 1);
}

int run_child_hold(struct run_child *child, char **command,
                   const struct run_variable *variables)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    int gate[2], failure[2];
    sigset_t set = awaited();

    if (pipe2(gate, O_CLOEXEC) != 0 || pipe2(failure, O_CLOEXEC) != 0)
        return -errno;
    sigprocmask(SIG_BLOCK, &set, &child->signals);
    /* If we inherited it ignored, there would be nobody to wait for. */
    sigaction(SIGCHLD, &standard, &child->on_child);
    child->pid = fork();
    if (child->pid < 0)
        return -errno;
    if (child->pid == 0) {
        close(gate[1]);
        close(failure[0]);
        exec_when_released(child, gate[0], failure[1], command, variables);
    }
    close(gate[0]);
    close(failure[1]);
    child->gate = gate[1];
    child->failure = failure[0];
    return 0;
}

int run_child_release(struct run_child *child)
{
    int err = 0;
    ssize_t got;

    if (write(child->gate, "", 1) != 1)
        err = errno;
    close(child->gate);
    do
        got = read(child->failure, &err, sizeof(err));
    while (got < 0 && errno == EINTR);
    close(child->failure);
    if (err)
        waitpid(child->pid, NULL, 0);
    return -err;
}

void run_child_cancel(struct run_child *child)
{
    close(child->gate);
    close(child->failure);
    waitpid(child->pid, NULL, 0);
}

/* ---- waiting ----------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int run_child_wait(const struct run_child *child, int timeout_ms, int *status)
{
    int64_t end = now_ms() + timeout_ms;
    sigset_t set = awaited();

    while (waitpid(child->pid, status, WNOHANG) != child->pid) {
        siginfo_t info;
        int64_t left = timeout_ms < 0 ? 3600 * 1000 : end - now_ms();
        struct timespec wait = {left / 1000, left % 1000 * 1000000};
        int number;

        if (left <= 0)
            return 0;
        number = sigtimedwait(&set, &info, &wait);
        /* What the kernel sends comes from the terminal, and goes to the
         * program as well. */
        if (number > 0 && number != SIGCHLD && info.si_code <= 0)
            kill(child->pid, number);
    }
    return 1;
}
