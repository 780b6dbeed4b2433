/* SPDX-License-Identifier: MIT */
/*
 * restart.c - see restart.h.
 *
 * Two orders of events leave the same registers behind: our signal ended the
 * call; or one of the program's did, whose handler held ours back until it
 * returned. A handler that blocks our signal is therefore enough to leave the
 * call alone. One that does not has been interrupted by ours, not followed,
 * but for the nanoseconds until its return is complete. Those matter to calls
 * that take a signal mask, with which no signal can be missed: they are left
 * alone where there is any handler at all.
 */
#include "restart.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "arch.h"
#include "cpu_signal.h"
#include "os.h"

enum restart { RESTART_NEVER, RESTART_PLAIN, RESTART_MASKED };

/* Calls that end with EINTR although the handler has SA_RESTART. They have done
 * nothing then; what has sent or received a part returns that. */
static enum restart restart_of(int number)
{
    switch (number) {
#ifdef SYS_poll /* later architectures have none of these */
    case SYS_epoll_wait:
    case SYS_pause:
    case SYS_poll:
    case SYS_select:
#endif
    case SYS_accept:
    case SYS_accept4:
    case SYS_clock_nanosleep:
    case SYS_connect:
    case SYS_futex:
    case SYS_io_getevents:
    case SYS_mq_timedreceive:
    case SYS_mq_timedsend:
    case SYS_msgrcv:
    case SYS_msgsnd:
    case SYS_nanosleep:
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmmsg:
    case SYS_recvmsg:
    case SYS_rt_sigtimedwait:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_sendmmsg:
    case SYS_sendmsg:
    case SYS_sendto:
    case SYS_write:
    case SYS_writev:
        return RESTART_PLAIN;
    case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2 /* Linux 5.11 */
    case SYS_epoll_pwait2:
#endif
    case SYS_io_pgetevents:
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_rt_sigsuspend:
        return RESTART_MASKED;
    default:
        return RESTART_NEVER;
    }
}

/* Whether the thread is to handle another signal as soon as this handler
 * returns. One that the call itself would let in is not meant: the call will.
 */
static bool another_waits(const ucontext_t *context)
{
    uint64_t pending = 0, blocked;

    memcpy(&blocked, &context->uc_sigmask, sizeof(blocked));
    return os_syscall(SYS_rt_sigpending, (long)&pending, sizeof(pending), 0, 0,
                      0, 0) != 0 ||
           (pending & ~blocked & ~cpu_signal_bit()) != 0;
}

void restart_call(ucontext_t *context)
{
    int number = arch_call_ended(context, EINTR);
    enum restart restart = restart_of(number);

    if (restart != RESTART_NEVER && !another_waits(context) &&
        !cpu_signal_has_other_handler(restart != RESTART_MASKED))
        arch_call_again(context, number);
}
