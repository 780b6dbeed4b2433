/* SPDX-License-Identifier: MIT */
/* thread_words.c - see thread_words.h. */
#include "thread_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>

/* The calls that wait, or may take long. */
static const struct {
    int64_t number;
    const char *words;
} calls[] = {
    {SYS_futex, "futex wait"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_clock_nanosleep, "nanosleep"},
    {SYS_pause, "pause"},
    {SYS_poll, "poll"},
    {SYS_ppoll, "poll"},
    {SYS_select, "select"},
    {SYS_pselect6, "select"},
    {SYS_epoll_wait, "epoll_wait"},
    {SYS_epoll_pwait, "epoll_wait"},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_wait"},
#endif
    {SYS_read, "read"},
    {SYS_readv, "read"},
    {SYS_pread64, "read"},
    {SYS_preadv, "read"},
    {SYS_write, "write"},
    {SYS_writev, "write"},
    {SYS_pwrite64, "write"},
    {SYS_pwritev, "write"},
    {SYS_fsync, "fsync"},
    {SYS_fdatasync, "fsync"},
    {SYS_msync, "fsync"},
    {SYS_sendfile, "sendfile"},
    {SYS_splice, "splice"},
    {SYS_open, "open"},
    {SYS_openat, "open"},
    {SYS_close, "close"},
    {SYS_ioctl, "ioctl"},
    {SYS_fcntl, "file lock"},
    {SYS_flock, "file lock"},
    {SYS_accept, "accept"},
    {SYS_accept4, "accept"},
    {SYS_connect, "connect"},
    {SYS_recvfrom, "recv"},
    {SYS_recvmsg, "recv"},
    {SYS_recvmmsg, "recv"},
    {SYS_sendto, "send"},
    {SYS_sendmsg, "send"},
    {SYS_sendmmsg, "send"},
    {SYS_wait4, "wait for a child"},
    {SYS_waitid, "wait for a child"},
    {SYS_vfork, "vfork"},
    {SYS_execve, "exec"},
    {SYS_rt_sigtimedwait, "sigwait"},
    {SYS_rt_sigsuspend, "sigsuspend"},
    {SYS_semop, "semop"},
    {SYS_semtimedop, "semop"},
    {SYS_msgrcv, "msgrcv"},
    {SYS_msgsnd, "msgsnd"},
    {SYS_mq_timedreceive, "mq_receive"},
    {SYS_mq_timedsend, "mq_send"},
    {SYS_io_getevents, "io_getevents"},
#ifdef SYS_io_pgetevents
    {SYS_io_pgetevents, "io_getevents"},
#endif
    {SYS_io_uring_enter, "io_uring"},
    {SYS_restart_syscall, "restarted wait"},
    {SYS_ptrace, "ptrace"},
    {SYS_mmap, "mmap"},
    {SYS_munmap, "munmap"},
    {SYS_madvise, "madvise"},
};

static const char *words_of_state(char state)
{
    switch (state) {
    case 'R':
        return "running";
    case 'D':
        return "disk sleep";
    case 'T':
        return "stopped";
    case 't':
        return "traced";
    case 'Z':
    case 'X':
        return "ended";
    case 'I':
        return "idle";
    default:
        return "sleeping";
    }
}

void thread_words(char state, const struct thread_syscall *call,
                  char words[THREAD_WORDS_SIZE])
{
    if (state == 'S' && call && call->running)
        state = 'R'; /* it woke between the two */
    if (state == 'S' && call && call->number >= 0) {
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
            if (call->number == calls[i].number) {
                snprintf(words, THREAD_WORDS_SIZE, "%s", calls[i].words);
                return;
            }
        snprintf(words, THREAD_WORDS_SIZE, "system call %" PRId64,
                 call->number);
        return;
    }
    snprintf(words, THREAD_WORDS_SIZE, "%s", words_of_state(state));
}
