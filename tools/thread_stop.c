/* SPDX-License-Identifier: MIT */
/* thread_stop.c - see thread_stop.h. */
#include "thread_stop.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

/* The kernel's own "start again unless a handler runs"; no program sees it. */
#define ERESTARTNOHAND 514

#define POLL_NS 20000

struct stop {
    pid_t tid;
    thread_stop_work *work;
    void *data;
    int err;
};

bool thread_stop_is_safe(const struct thread_syscall *call)
{
    switch (call->number) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_sendfile:
    case SYS_splice:
    case SYS_tee:
    case SYS_vmsplice:
    case SYS_copy_file_range:
    case SYS_getrandom:
        return false;
    case SYS_recvfrom:
        return !(call->arguments[3] & MSG_WAITALL);
    case SYS_recvmsg:
        return !(call->arguments[2] & MSG_WAITALL);
    case SYS_recvmmsg:
        return call->arguments[2] <= 1; /* messages */
    case SYS_io_getevents:
    case SYS_io_pgetevents:
        return call->arguments[1] <= 1; /* the least to wait for */
    default:
        return true;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until it has stopped, for us or for a signal, which is returned to be
 * delivered after all. -ESRCH, -ETIMEDOUT. */
static int wait_stopped(pid_t tid, int *signal)
{
    static const struct timespec pause = {0, POLL_NS};
    int64_t end = now_ms() + THREAD_STOP_WAIT_MS;
    int status;
    pid_t got;

    while ((got = waitpid(tid, &status, __WALL | __WNOTHREAD | WNOHANG)) == 0) {
        if (now_ms() > end)
            return -ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
    if (got < 0 && errno == EINTR)
        return wait_stopped(tid, signal);
    if (got != tid || !WIFSTOPPED(status))
        return -ESRCH;
    *signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
    return 0;
}

static void copy_registers(const struct user_regs_struct *from,
                           struct thread_registers *to)
{
    *to = (struct thread_registers){
        .values = {from->rax, from->rdx, from->rcx, from->rbx, from->rsi,
                   from->rdi, from->rbp, from->rsp, from->r8, from->r9,
                   from->r10, from->r11, from->r12, from->r13, from->r14,
                   from->r15, from->rip},
        .all = true,
    };
}

static int look(struct stop *stop)
{
    struct user_regs_struct raw;
    struct thread_registers registers;
    bool in_call;

    if (ptrace(PTRACE_GETREGS, stop->tid, NULL, &raw) != 0)
        return -errno;
    in_call = (int64_t)raw.orig_rax >= 0;
    copy_registers(&raw, &registers);
    stop->work(&registers, in_call, stop->data);
    if (!in_call || (int64_t)raw.rax != -EINTR)
        return 0;
    raw.rax = (uint64_t)-ERESTARTNOHAND;
    return ptrace(PTRACE_SETREGS, stop->tid, NULL, &raw) == 0 ? 0 : -errno;
}

static void *run(void *argument)
{
    struct stop *stop = argument;
    int signal = 0;

    if (ptrace(PTRACE_SEIZE, stop->tid, NULL, NULL) != 0) {
        stop->err = -errno;
        return NULL;
    }
    if (ptrace(PTRACE_INTERRUPT, stop->tid, NULL, NULL) != 0)
        stop->err = -errno;
    else
        stop->err = wait_stopped(stop->tid, &signal);
    if (stop->err)
        return NULL;
    stop->err = look(stop);
    if (ptrace(PTRACE_DETACH, stop->tid, NULL, (void *)(intptr_t)signal) != 0 &&
        !stop->err)
        stop->err = -errno;
    return NULL;
}

/* What has not stopped cannot be detached from, but what a thread traces is
 * let go when it ends: so the tracer is a thread of its own. */
int thread_stop(pid_t tid, thread_stop_work *work, void *data)
{
    struct stop stop = {.tid = tid, .work = work, .data = data};
    pthread_t tracer;
    int err = pthread_create(&tracer, NULL, run, &stop);

    if (err)
        return -err;
    pthread_join(tracer, NULL);
    return stop.err;
}
