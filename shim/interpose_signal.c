/* SPDX-License-Identifier: MIT */
/*
 * interpose_signal.c - libc's ways to set what a signal does, and to wait for
 * one without a handler.
 *
 * They forward, but for the signal that the shim has taken: its action is
 * answered from memory or given to the program (cpu_signal.h). Each that sets
 * is what its manual makes of sigaction(); none may be left out, or a program
 * would see our handler or lose it unnoticed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "cc.h"
#include "cpu_signal.h"
#include "interpose.h"
#include "os.h"
#include "real.h"

typedef void signal_function(int number);
typedef int action_function(int, const struct sigaction *, struct sigaction *);
typedef signal_function *set_function(int, signal_function *);
typedef int ignore_function(int);
typedef int interrupt_function(int, int);
typedef int signalfd_function(int, const sigset_t *, int);
typedef int wait_function(const sigset_t *, int *);
typedef int wait_info_function(const sigset_t *, siginfo_t *);
typedef int timed_wait_function(const sigset_t *, siginfo_t *,
                                const struct timespec *);

/* The next definition of a function; these are in every glibc. */
#define NEXT(type, name)                                                       \
    ({                                                                         \
        static type *next;                                                     \
        if (UNLIKELY(!next))                                                   \
            next = (type *)real_find(RTLD_NEXT, #name);                        \
        next;                                                                  \
    })

static bool is_taken(int number)
{
    return UNLIKELY(number != 0 && number == cpu_signal_taken());
}

static int act(int number, const struct sigaction *wanted,
               struct sigaction *seen)
{
    struct sigaction copy;

    if (!is_taken(number))
        return NEXT(action_function, sigaction)(number, wanted, seen);
    if (wanted)
        copy = *wanted;
    if (cpu_signal_answer(wanted ? &copy : NULL, seen))
        return 0;
    return NEXT(action_function, sigaction)(number, &copy, NULL);
}

EXPORT int sigaction(int number, const struct sigaction *wanted,
                     struct sigaction *seen)
{
    return act(number, wanted, seen);
}

/* Erlang's own sigaction() looks for the next one by this name, which no
 * header declares. */
action_function __sigaction;
EXPORT int __sigaction(int number, const struct sigaction *wanted,
                       struct sigaction *seen)
{
    return act(number, wanted, seen);
}

/* The signal in a mask as the kernel has it, with which libc's begins. */
static uint64_t bit_of(int number)
{
    return UINT64_C(1) << (number - 1);
}

/* signal() and its kin of a signal that is taken. */
static signal_function *set(int number, signal_function *handler, int flags)
{
    struct sigaction wanted = {.sa_flags = flags}, seen;
    uint64_t only = bit_of(number);

    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    wanted.sa_handler = handler;
    if (flags & SA_RESTART) /* of the family only signal() masks it */
        memcpy(&wanted.sa_mask, &only, sizeof(only));
    return act(number, &wanted, &seen) == 0 ? seen.sa_handler : SIG_ERR;
}

EXPORT signal_function *signal(int number, signal_function *handler)
{
    return is_taken(number) ? set(number, handler, SA_RESTART)
                            : NEXT(set_function, signal)(number, handler);
}

EXPORT signal_function *bsd_signal(int number, signal_function *handler)
{
    return is_taken(number) ? set(number, handler, SA_RESTART)
                            : NEXT(set_function, bsd_signal)(number, handler);
}

EXPORT signal_function *ssignal(int number, signal_function *handler)
{
    return is_taken(number) ? set(number, handler, SA_RESTART)
                            : NEXT(set_function, ssignal)(number, handler);
}

EXPORT signal_function *sysv_signal(int number, signal_function *handler)
{
    return is_taken(number)
               ? set(number, handler, (int)SA_RESETHAND | SA_NODEFER)
               : NEXT(set_function, sysv_signal)(number, handler);
}

EXPORT signal_function *__sysv_signal(int number, signal_function *handler)
{
    return is_taken(number)
               ? set(number, handler, (int)SA_RESETHAND | SA_NODEFER)
               : NEXT(set_function, __sysv_signal)(number, handler);
}

/* libc's knows the mask's part; of the action it would answer with ours. */
EXPORT signal_function *sigset(int number, signal_function *handler)
{
    bool hold = handler == SIG_HOLD;
    signal_function *before;
    struct sigaction seen;
    uint64_t bit, mask = 0;

    if (!is_taken(number))
        return NEXT(set_function, sigset)(number, handler);
    if (hold) {
        cpu_signal_answer(NULL, &seen);
        before = seen.sa_handler;
    } else {
        before = set(number, handler, 0);
        if (before == SIG_ERR)
            return before;
    }
    bit = bit_of(number);
    os_syscall(SYS_rt_sigprocmask, hold ? SIG_BLOCK : SIG_UNBLOCK, (long)&bit,
               (long)&mask, sizeof(mask), 0, 0);
    return mask & bit ? SIG_HOLD : before;
}

EXPORT int sigignore(int number)
{
    if (!is_taken(number))
        return NEXT(ignore_function, sigignore)(number);
    return set(number, SIG_IGN, 0) == SIG_ERR ? -1 : 0;
}

EXPORT int siginterrupt(int number, int interrupt)
{
    struct sigaction seen;

    if (!is_taken(number))
        return NEXT(interrupt_function, siginterrupt)(number, interrupt);
    cpu_signal_answer(NULL, &seen);
    if (interrupt)
        seen.sa_flags &= ~SA_RESTART;
    else
        seen.sa_flags |= SA_RESTART;
    return act(number, &seen, NULL);
}

/* ---- waiting ----------------------------------------------------------- */

EXPORT int signalfd(int fd, const sigset_t *set, int flags)
{
    sigset_t without;

    return NEXT(signalfd_function,
                signalfd)(fd, cpu_signal_await(set, &without), flags);
}

EXPORT int sigwait(const sigset_t *restrict set, int *restrict number)
{
    sigset_t without;

    return NEXT(wait_function, sigwait)(cpu_signal_await(set, &without),
                                        number);
}

EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
    sigset_t without;

    return NEXT(wait_info_function,
                sigwaitinfo)(cpu_signal_await(set, &without), info);
}

EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                        const struct timespec *restrict timeout)
{
    sigset_t without;

    return NEXT(timed_wait_function,
                sigtimedwait)(cpu_signal_await(set, &without), info, timeout);
}
