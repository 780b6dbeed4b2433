/* SPDX-License-Identifier: MIT */
/*
 * libhaste.c - preloaded, it makes the monotonic clock run HASTE times as fast
 * for a libuv program, so that a test sees the deadlines of the very server
 * that is shipped without waiting for them.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int haste(void)
{
    const char *text = getenv("HASTE");

    return text ? atoi(text) : 1;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long result = syscall(SYS_clock_gettime, clock, now);
    long long ns;

    if (result == 0 &&
        (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) {
        ns = (now->tv_sec * 1000000000ll + now->tv_nsec) * haste();
        now->tv_sec = ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return (int)result;
}

/* Rounded up: a loop that is woken before its deadline would only spin. */
int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout_ms,
                const sigset_t *signals)
{
    if (timeout_ms > 0)
        timeout_ms = (timeout_ms + haste() - 1) / haste();
    return (int)syscall(SYS_epoll_pwait, fd, events, count, timeout_ms, signals,
                        8);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    return epoll_pwait(fd, events, count, timeout_ms, NULL);
}
