/* SPDX-License-Identifier: MIT */
/*
 * stepper.h - one instruction at a time, for a signal handler's eyes: each ends
 * in a SIGTRAP whose handler calls stepper_next(). x86-64 has a flag for it. On
 * aarch64 a breakpoint lies on whatever can come next, and has gone by the time
 * the handler does anything else; so it works under qemu-user, too.
 *
 *   stepper_begin(context)  from a handler of any signal: step what follows
 *   stepper_next(context)   first in the handler of SIGTRAP; what the last
 *                           instruction did, for a shadow stack
 *   stepper_more(context)   last in it
 *   stepper_end(context)    from a handler: no more
 *
 * Of one thread. Not through load-exclusive loops, which a signal breaks.
 */
#ifndef PREPROF_STEPPER_H
#define PREPROF_STEPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum stepper_did { STEPPER_OTHER, STEPPER_CALLED, STEPPER_RETURNED };

static uintptr_t stepper_last; /* the instruction that was executed */

#if defined(__x86_64__)

#define STEPPER_TRAP_FLAG 0x100

static inline uintptr_t stepper_pc(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static inline uintptr_t stepper_return_address(const ucontext_t *context)
{
    return *(const uintptr_t *)context->uc_mcontext.gregs[REG_RSP];
}

static inline enum stepper_did stepper_kind(uintptr_t pc)
{
    const uint8_t *code = (const uint8_t *)pc;

    while (*code == 0xf2 || *code == 0xf3 || *code == 0x3e || *code == 0x66 ||
           (*code & 0xf0) == 0x40)
        code++;
    if (*code == 0xe8 || (*code == 0xff && (code[1] >> 3 & 7) == 2))
        return STEPPER_CALLED;
    return *code == 0xc3 || *code == 0xc2 ? STEPPER_RETURNED : STEPPER_OTHER;
}

static inline void stepper_begin(ucontext_t *context)
{
    stepper_last = 0;
    context->uc_mcontext.gregs[REG_EFL] |= STEPPER_TRAP_FLAG;
}

static inline void stepper_end(ucontext_t *context)
{
    context->uc_mcontext.gregs[REG_EFL] &= ~STEPPER_TRAP_FLAG;
}

static inline enum stepper_did stepper_next(const ucontext_t *context)
{
    const uint8_t *code = (const uint8_t *)stepper_last;

    if (!code)
        return STEPPER_OTHER;
    /* After a system call the trap comes one instruction late. */
    if (code[0] == 0x0f && code[1] == 0x05 &&
        stepper_pc(context) != stepper_last + 2)
        stepper_last += 2;
    return stepper_kind(stepper_last);
}

static inline void stepper_more(ucontext_t *context)
{
    stepper_last = stepper_pc(context);
}

#elif defined(__aarch64__)

#define STEPPER_BREAK     UINT32_C(0xd4200000)
#define STEPPER_PAGE      UINT64_C(4096)
#define STEPPER_PAGES_MAX 1024

static struct {
    uint32_t *code, was;
} stepper_planted[2];
static uintptr_t stepper_pages[STEPPER_PAGES_MAX]; /* that are writable */
static size_t stepper_page_count;

static inline uintptr_t stepper_pc(const ucontext_t *context)
{
    return context->uc_mcontext.pc;
}

static inline uintptr_t stepper_return_address(const ucontext_t *context)
{
    return context->uc_mcontext.regs[30];
}

/* br, blr or ret */
static inline bool stepper_is_indirect(uint32_t code)
{
    uint32_t how = code & 0xfffffc1f;

    return how == 0xd61f0000 || how == 0xd63f0000 || how == 0xd65f0000;
}

static inline enum stepper_did stepper_kind(uintptr_t pc)
{
    uint32_t code = *(const uint32_t *)pc;

    if (code >> 26 == 0x25 || (code & 0xfffffc1f) == 0xd63f0000)
        return STEPPER_CALLED;
    return (code & 0xfffffc1f) == 0xd65f0000 ? STEPPER_RETURNED : STEPPER_OTHER;
}

/* `bits` from bit `at` on, a signed number of instructions. */
static inline uintptr_t stepper_target(uintptr_t pc, uint32_t code, unsigned at,
                                       unsigned bits)
{
    int32_t words = (int32_t)(code << (32 - at - bits)) >> (32 - bits);

    return pc + (uintptr_t)((int64_t)words * 4);
}

static inline void stepper_write(uint32_t *code, uint32_t word)
{
    *code = word;
    __builtin___clear_cache((char *)code, (char *)(code + 1));
}

static inline void stepper_plant(int which, uintptr_t pc)
{
    uintptr_t page = pc & ~(STEPPER_PAGE - 1);
    size_t i = 0;

    while (i < stepper_page_count && stepper_pages[i] != page)
        i++;
    if (i == stepper_page_count) {
        if (i == STEPPER_PAGES_MAX ||
            mprotect((void *)page, STEPPER_PAGE,
                     PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
            __builtin_trap();
        stepper_pages[stepper_page_count++] = page;
    }
    stepper_planted[which].code = (uint32_t *)pc;
    stepper_planted[which].was = *(uint32_t *)pc;
    stepper_write((uint32_t *)pc, STEPPER_BREAK);
}

static inline void stepper_end(ucontext_t *context)
{
    (void)context;
    for (int i = 2; i-- > 0;) {
        if (stepper_planted[i].code)
            stepper_write(stepper_planted[i].code, stepper_planted[i].was);
        stepper_planted[i].code = NULL;
    }
}

static inline void stepper_begin(ucontext_t *context)
{
    stepper_last = 0;
    stepper_plant(0, stepper_pc(context));
}

static inline enum stepper_did stepper_next(ucontext_t *context)
{
    stepper_end(context);
    return stepper_last ? stepper_kind(stepper_last) : STEPPER_OTHER;
}

/* A conditional branch may be taken or not: both ways have a breakpoint. */
static inline void stepper_more(ucontext_t *context)
{
    uintptr_t pc = stepper_pc(context), next = pc + 4, other = 0;
    uint32_t code = *(const uint32_t *)pc;

    stepper_last = pc;
    if (stepper_is_indirect(code))
        next = context->uc_mcontext.regs[code >> 5 & 31];
    else if (code >> 26 == 0x05 || code >> 26 == 0x25) /* b, bl */
        next = stepper_target(pc, code, 0, 26);
    else if (code >> 24 == 0x54 ||
             (code >> 25 & 0x3f) == 0x1a) /* b.cond, cbz */
        other = stepper_target(pc, code, 5, 19);
    else if ((code >> 25 & 0x3f) == 0x1b) /* tbz */
        other = stepper_target(pc, code, 5, 14);
    stepper_plant(0, next);
    if (other && other != next)
        stepper_plant(1, other);
}

#endif

#endif
