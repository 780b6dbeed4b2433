/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - see cpu.h.
 *
 * Most of this runs in a signal handler, with all signals blocked and maybe on
 * a small stack. `busy` is a lock that is only ever tried: who finds it taken
 * leaves the work to the holder, who looks again after letting go.
 */
#include "cpu.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "callsite.h"
#include "cc.h"
#include "counter.h"
#include "cpu_signal.h"
#include "cpu_timer.h"
#include "extent.h"
#include "life.h"
#include "module.h"
#include "os.h"
#include "restart.h"
#include "segment.h"
#include "trace.h"
#include "walk.h"

#define ROW_EXTENTS (SEGMENT_CALLSITES_MAX / SEGMENT_EVENTS_PER_EXTENT)
#define PURGE_NS    UINT64_C(1000000000) /* between two looks for dead timers */
/* A timer may notice so late without the signal being blocked: the kernel looks
 * by its tick, and a virtual machine stands still at times. */
#define LATE_NS UINT64_C(50000000)
#define STACKS  64u /* threads that walk at the same moment */
/* What a walk takes of an alternate stack, with room to spare: measured 2.6 KiB
 * with a module met for the first time. */
#define ROOM_TO_WALK 4096u

struct cpu {
    uint32_t busy;    /* a thread works on the timers */
    uint32_t request; /* that the timers are for */
    uint32_t stacks_busy[STACKS];
    uint64_t period_ns; /* of the request at hand; 0: none yet */
    uint64_t purge_at_ns;
    struct module_loads loads; /* that its samples have seen */
    struct segment_event_row *rows[ROW_EXTENTS];
    uintptr_t stacks[STACKS][SEGMENT_DEPTH_MAX];
};

static struct cpu *cpu; /* NULL until somebody asks; wiped in children */

/* ---- requests ---------------------------------------------------------- */

static struct segment_cpu *request_words(void)
{
    return &life->header->cpu;
}

static bool lease_runs(void)
{
    const struct segment_cpu *words = request_words();

    return cpu_signal_taken() != 0 &&
           os_monotonic_ns() <
               __atomic_load_n(&words->lease_ns, __ATOMIC_RELAXED);
}

static bool has_mail(void)
{
    const struct segment_cpu *words = request_words();

    for (uint32_t i = 0; i < SEGMENT_CPU_TIDS; i++)
        if (__atomic_load_n(&words->tids[i], __ATOMIC_RELAXED))
            return true;
    return false;
}

static bool has_timers(void)
{
    return __atomic_load_n(&request_words()->timers, __ATOMIC_RELAXED) != 0;
}

static bool has_work(void)
{
    if (!lease_runs())
        return has_timers();
    return has_mail() ||
           (has_timers() && cpu && os_monotonic_ns() >= cpu->purge_at_ns);
}

static void purge(void)
{
    uint32_t left = cpu_timer_purge();

    __atomic_store_n(&request_words()->timers, left, __ATOMIC_RELAXED);
    cpu->purge_at_ns = os_monotonic_ns() + PURGE_NS;
}

static int make_timer(uint32_t tid)
{
    return cpu_timer_arm(tid, cpu_signal_taken(), (uintptr_t)cpu,
                         cpu->period_ns);
}

static void arm(uint32_t tid)
{
    int made = make_timer(tid);

    if (made == -EAGAIN) { /* those of dead threads count, too */
        purge();
        made = make_timer(tid);
    }
    if (made > 0)
        __atomic_fetch_add(&request_words()->timers, 1, __ATOMIC_RELAXED);
    else if (made < 0 && made != -EINVAL && made != -ESRCH)
        life_lose(SEGMENT_LOSS_TIMERS_REFUSED, 1);
}

/* Maps what a profile needs, once; a child's segment needs its own room. */
static bool make_room(void)
{
    struct cpu *none = NULL, *made;

    if (cpu && cpu->period_ns)
        return true;
    if (!life_make_room() || cpu_timer_begin() != 0)
        return false;
    if (cpu)
        return true;
    made = os_map_wiped(sizeof(*made));
    if (made &&
        !__atomic_compare_exchange_n(&cpu, &none, made, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        os_unmap(made, sizeof(*made));
    return made != NULL;
}

static void stop(void)
{
    cpu_timer_disarm_all();
    __atomic_store_n(&request_words()->timers, 0, __ATOMIC_RELAXED);
}

/* Whether there is a request that can be served; the timers are for it then. */
static bool begin_request(void)
{
    struct segment_cpu *words = request_words();
    uint32_t request = __atomic_load_n(&words->request, __ATOMIC_RELAXED);
    uint32_t hz = __atomic_load_n(&words->hz, __ATOMIC_RELAXED);

    if (hz == 0 || hz > SEGMENT_CPU_HZ_MAX)
        return false;
    if (!cpu_signal_is_ours()) { /* it was taken behind libc's back */
        __atomic_store_n(&words->signal, 0, __ATOMIC_RELAXED);
        return false;
    }
    if (request != cpu->request)
        stop();
    cpu->request = request;
    cpu->period_ns = UINT64_C(1000000000) / hz;
    return true;
}

static void take_mail(void)
{
    struct segment_cpu *words = request_words();
    bool served = begin_request();

    for (uint32_t i = 0; i < SEGMENT_CPU_TIDS; i++) {
        uint32_t tid =
            __atomic_exchange_n(&words->tids[i], 0, __ATOMIC_ACQUIRE);

        if (tid && served)
            arm(tid);
    }
}

/* Whoever finds another at work leaves it to that one. */
static void work(void)
{
    while (has_work() && life_is_mine() && make_room()) {
        uint32_t idle = 0;

        if (!__atomic_compare_exchange_n(&cpu->busy, &idle, 1, false,
                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return;
        if (!lease_runs()) {
            stop();
            (void)trace_runs(); /* its reader is the same one, and gone */
        } else if (has_mail()) {
            take_mail();
        } else {
            purge();
        }
        __atomic_store_n(&cpu->busy, 0, __ATOMIC_RELEASE);
    }
}

/* ---- samples ----------------------------------------------------------- */

static void add(uint32_t callsite, uint64_t samples)
{
    uint32_t extent = callsite / SEGMENT_EVENTS_PER_EXTENT;
    struct segment_event_row *row =
        extent_get((void **)&cpu->rows[extent], SEGMENT_EXTENT_EVENTS,
                   SEGMENT_EVENT_CPU, extent * SEGMENT_EVENTS_PER_EXTENT);

    if (trace_runs())
        trace_record(SEGMENT_EVENT_CPU, callsite, samples * cpu->period_ns);
    if (!row) {
        life_lose(SEGMENT_LOSS_TICKS_DROPPED, samples);
        return;
    }
    row += callsite % SEGMENT_EVENTS_PER_EXTENT;
    counter_add_shared(&row->count, samples);
    counter_add_shared(&row->delay_ns, samples * cpu->period_ns);
}

/* Whether the handler has enough of the stack that it runs on. */
static bool has_room_to_walk(const ucontext_t *context)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t start = (uintptr_t)context->uc_stack.ss_sp;

    return here - start >= context->uc_stack.ss_size ||
           here - start >= ROOM_TO_WALK;
}

static uint32_t callsite_on(uintptr_t *stack, const ucontext_t *context)
{
    unsigned flags;
    size_t frames =
        walk_capture_context(context, stack, SEGMENT_DEPTH_MAX, &flags);

    if (flags & WALK_TRUNCATED)
        life_lose(SEGMENT_LOSS_STACK_TRUNCATED, 1);
    if (flags & WALK_GUESSED)
        life_lose(SEGMENT_LOSS_FRAMES_GUESSED, 1);
    return callsite_intern(stack, frames, (flags & WALK_TRUNCATED) != 0);
}

static uint32_t callsite_of(const ucontext_t *context)
{
    if (module_changed(&cpu->loads))
        module_refresh(&cpu->loads);
    for (uint32_t i = 0; i < STACKS && has_room_to_walk(context); i++) {
        uint32_t callsite, idle = 0;

        if (!__atomic_compare_exchange_n(&cpu->stacks_busy[i], &idle, 1, false,
                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            continue;
        callsite = callsite_on(cpu->stacks[i], context);
        __atomic_store_n(&cpu->stacks_busy[i], 0, __ATOMIC_RELEASE);
        return callsite;
    }
    life_lose(SEGMENT_LOSS_TICKS_UNWALKED, 1);
    return SEGMENT_SINK_NO_STACK;
}

/* Where the missed ticks of a late one belong. */
enum lateness { LATE_HERE, LATE_IN_KERNEL, LATE_BLOCKED };

static enum lateness lateness_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    const greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    const uint8_t *before = (const uint8_t *)pc - 2;

    /* Out of a system call: out of rt_sigprocmask(), by what it was asked, the
     * signal was waiting outside; out of any other, it waited for the call. */
    if (pc % OS_PAGE_SIZE >= 2 && before[0] == 0x0f && before[1] == 0x05)
        return (uint64_t)registers[REG_RDI] <= SIG_SETMASK &&
                       registers[REG_R10] == sizeof(uint64_t)
                   ? LATE_BLOCKED
                   : LATE_IN_KERNEL;
#else
    (void)context;
#endif
    return LATE_HERE;
}

/* How many of the missed ticks are for the stack that is found now. */
static uint64_t late_for_stack(uint64_t missed, const ucontext_t *context)
{
    uint64_t late = LATE_NS / cpu->period_ns;

    if (missed == 0)
        return 0;
    switch (lateness_of(context)) {
    case LATE_IN_KERNEL:
        return missed;
    case LATE_BLOCKED:
        return 0;
    case LATE_HERE:
        break;
    }
    return missed < late ? missed : late;
}

static void count(const siginfo_t *info, const ucontext_t *context)
{
    uint64_t missed = info->si_overrun > 0 ? (uint64_t)info->si_overrun : 0;
    uint64_t late = late_for_stack(missed, context);
    uint32_t callsite = callsite_of(context);

    counter_add_shared(&request_words()->ticks, 1);
    if (missed > late)
        add(SEGMENT_SINK_BLOCKED, missed - late);
    add(callsite, 1 + late);
}

static void tick(const siginfo_t *info, const ucontext_t *context)
{
    if (__atomic_load_n(&life->epoch, __ATOMIC_ACQUIRE) == 0 || !life->extents)
        return; /* a child before its birth */
    if (info->si_code == SI_TIMER && cpu && info->si_ptr == cpu &&
        cpu->period_ns && cpu->request == request_words()->request &&
        lease_runs())
        count(info, context);
    work();
}

static void handle(int number, siginfo_t *info, void *context)
{
    (void)number;
    tick(info, context);
    restart_call(context);
}

/* ---- the program's side ------------------------------------------------ */

void cpu_begin(void)
{
    cpu_signal_begin(handle);
    cpu_announce();
}

void cpu_thread_begin(void)
{
    if (!cpu || !has_timers())
        return;
    if (lease_runs())
        arm((uint32_t)os_gettid());
    else
        work();
}

void cpu_stop(void)
{
    if (life->extents)
        work();
}

void cpu_announce(void)
{
    if (life->extents)
        __atomic_store_n(&request_words()->signal, (uint32_t)cpu_signal_taken(),
                         __ATOMIC_RELAXED);
}
