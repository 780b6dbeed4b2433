/* SPDX-License-Identifier: MIT */
/*
 * cpu_signal.c - see cpu_signal.h.
 *
 * Two threads that set the same signal's action at once race in the program
 * without us; `hidden` is then one of the two, or torn in its mask.
 */
#include "cpu_signal.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "cc.h"
#include "cpu.h"
#include "os.h"
#include "real.h"

static const int candidates[] = {SIGURG, SIGWINCH};
#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

static int (*libc_sigaction)(int number, const struct sigaction *wanted,
                             struct sigaction *seen); /* the next */
static cpu_signal_handler *our_handler;
static int taken;
static struct sigaction hidden; /* what the program believes is set */

/* As the kernel has it; libc's differs in its layout and size of mask. */
struct kernel_action {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static uint64_t bit_of(int number)
{
    return UINT64_C(1) << (number - 1);
}

static bool read_action(int number, struct kernel_action *action)
{
    return os_syscall(SYS_rt_sigaction, number, 0, (long)action,
                      sizeof(action->mask), 0, 0) == 0;
}

static bool is_handler(const void *handler)
{
    return handler != (void *)SIG_DFL && handler != (void *)SIG_IGN;
}

/* Through libc, which knows how to return from a handler here. Everything is
 * blocked in ours, so that nothing jumps out of it. */
static bool set_handler(int number)
{
    struct sigaction action = {.sa_flags =
                                   SA_SIGINFO | SA_RESTART | SA_ONSTACK};

    action.sa_sigaction = our_handler;
    memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
    return libc_sigaction(number, &action, NULL) == 0;
}

/* Takes the first of candidates[from ..] that nobody handles. */
static void take(size_t from)
{
    struct kernel_action action;

    for (size_t i = from; i < CANDIDATES; i++) {
        if (!read_action(candidates[i], &action) || is_handler(action.handler))
            continue;
        memset(&hidden, 0, sizeof(hidden));
        hidden.sa_handler =
            action.handler == (void *)SIG_IGN ? SIG_IGN : SIG_DFL;
        if (set_handler(candidates[i])) {
            __atomic_store_n(&taken, candidates[i], __ATOMIC_RELEASE);
            return;
        }
    }
}

void cpu_signal_begin(cpu_signal_handler *handler)
{
    our_handler = handler;
    *(void **)&libc_sigaction = real_find(RTLD_NEXT, "sigaction");
    if (libc_sigaction)
        take(0);
}

int cpu_signal_taken(void)
{
    return __atomic_load_n(&taken, __ATOMIC_ACQUIRE);
}

bool cpu_signal_is_ours(void)
{
    struct kernel_action action;
    int number = cpu_signal_taken();

    return number != 0 && read_action(number, &action) &&
           action.handler == (void *)our_handler;
}

uint64_t cpu_signal_bit(void)
{
    int number = cpu_signal_taken();

    return number ? bit_of(number) : 0;
}

/* The first real-time signals, which programs do not see: for pthread_cancel()
 * and setuid(). */
static bool is_libcs(int number)
{
    return number == __SIGRTMIN || number == __SIGRTMIN + 1;
}

bool cpu_signal_has_other_handler(bool that_blocks_ours)
{
    struct kernel_action action;

    for (int i = 1; i < NSIG; i++) {
        if (i == cpu_signal_taken() || is_libcs(i) || !read_action(i, &action))
            continue;
        if ((is_handler(action.handler) || (action.flags & SA_RESETHAND)) &&
            (!that_blocks_ours || (action.mask & cpu_signal_bit())))
            return true;
    }
    return false;
}

/* Gives the signal up, and takes a later candidate instead. */
static void give_up(int number)
{
    size_t next = 0;

    if (!__atomic_compare_exchange_n(&taken, &number, 0, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return;
    cpu_stop();
    while (candidates[next++] != number)
        continue;
    take(next);
    cpu_announce();
}

bool cpu_signal_answer(const struct sigaction *wanted, struct sigaction *seen)
{
    bool handler = wanted && wanted->sa_handler != SIG_DFL &&
                   wanted->sa_handler != SIG_IGN;

    if (seen)
        *seen = hidden;
    if (handler)
        give_up(cpu_signal_taken());
    else if (wanted)
        hidden = *wanted;
    return !handler;
}

static uint64_t candidate_bits(void)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < CANDIDATES; i++)
        bits |= bit_of(candidates[i]);
    return bits;
}

const sigset_t *cpu_signal_await(const sigset_t *set, sigset_t *without)
{
    int number = cpu_signal_taken();
    struct sigaction action;
    uint64_t bits; /* as the kernel has them, with which libc's begin */

    if (!set || number == 0)
        return set;
    memcpy(&bits, set, sizeof(bits));
    if (!(bits & bit_of(number)))
        return set;
    if ((bits & candidate_bits()) == candidate_bits()) {
        bits &= ~bit_of(number);
        *without = *set;
        memcpy(without, &bits, sizeof(bits));
        return without;
    }
    action = hidden;
    give_up(number);
    libc_sigaction(number, &action, NULL);
    return set;
}
