/* SPDX-License-Identifier: MIT */
/* guess.c - see guess.h. */
#include "guess.h"

#include <sys/auxv.h>

#include "arch.h"
#include "rules.h"

/* The kernel leaves at least so much below the main thread's stack free. */
#define MAIN_STACK_MAX (UINT64_C(128) << 20)
/* A thread's stack is taken for one only up to here; a fiber's may lie as near
 * below some thread control block. */
#define THREAD_STACK_MAX (UINT64_C(8) << 20)

#define CODE_START 4096u

struct record {
    uintptr_t bp, return_address;
};

static uintptr_t main_stack_end, main_thread;

__attribute__((constructor)) static void note_main_thread(void)
{
    main_thread = arch_thread_pointer();
}

uintptr_t guess_stack_end(uintptr_t sp)
{
    uintptr_t end = __atomic_load_n(&main_stack_end, __ATOMIC_RELAXED);
    uintptr_t thread = arch_thread_pointer();

    if (!end) {
        end = getauxval(AT_EXECFN) & ~(uintptr_t)15;
        __atomic_store_n(&main_stack_end, end, __ATOMIC_RELAXED);
    }
    if (end - sp < MAIN_STACK_MAX)
        return end;
    if (thread != main_thread && thread - sp < THREAD_STACK_MAX)
        return thread;
    return 0;
}

bool guess_out(struct walk_start *at, uintptr_t end)
{
    const struct record *record = (const struct record *)at->bp;
    uintptr_t pc;

    if (at->bp < at->sp || at->bp >= end || end - at->bp < sizeof(*record) ||
        at->bp % sizeof(uintptr_t) != 0)
        return false;
    pc = arch_code_address(record->return_address);
    if (pc < CODE_START || pc >= RULES_PC_MAX)
        return false;
    at->sp = at->bp + sizeof(*record);
    at->pc = pc;
    at->bp = record->bp;
    return true;
}
