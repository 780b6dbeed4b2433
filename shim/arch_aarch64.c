/* SPDX-License-Identifier: MIT */
/* arch_aarch64.c - see arch.h. */
#include "arch.h"

#if defined(__aarch64__)

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "cfi.h"
#include "os.h"

#define REG_PC 32

/* A function that calls has a frame record, by the platform's convention. One
 * that saves its return address alone is an escape. */
uint32_t arch_rule(const struct fde *fde, const struct cfi_row *row)
{
    int32_t bp = row->registers[ARCH_BP], ra = row->registers[ARCH_RA];
    int64_t slot = -CFI_VALUE(bp), offset = row->cfa_offset;

    (void)fde;
    if (CFI_HOW(bp) != CFI_SAVED_AT || CFI_HOW(ra) != CFI_SAVED_AT ||
        CFI_VALUE(ra) != CFI_VALUE(bp) + 8 || slot <= 8 || slot % 8 ||
        slot / 8 >= 1 << CFI_BP_BITS || offset < 0 || offset % 8 ||
        offset / 8 >= 1 << CFI_OFFSET_BITS)
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    if (row->cfa_register == ARCH_SP)
        return CFI_RULE(CFI_SP, offset, slot);
    if (row->cfa_register == ARCH_BP)
        return CFI_RULE(CFI_BP, offset, slot);
    return CFI_RULE(CFI_ESCAPE, 0, 0);
}

uintptr_t arch_interrupted(const ucontext_t *context, uintptr_t *registers)
{
    const mcontext_t *machine = &context->uc_mcontext;

    for (size_t i = 0; i <= 30; i++)
        registers[i] = machine->regs[i];
    registers[ARCH_SP] = machine->sp;
    registers[REG_PC] = machine->pc;
    return machine->pc;
}

uintptr_t arch_fiber_return(const ucontext_t *context)
{
    return context->uc_mcontext.regs[ARCH_RA];
}

/* The kernel's trampoline has no unwind tables since Linux 5.8, but always
 * these two instructions: "mov x8, #139; svc #0". */
const ucontext_t *arch_signal_context(uintptr_t pc, uintptr_t sp)
{
    static const uint32_t trampoline[] = {0xd2801168, 0xd4000001};
    const struct {
        siginfo_t info;
        ucontext_t context;
    } *frame = (const void *)sp;

    if (pc % 4 != 0 || sp % 16 != 0 || !os_is_readable(pc & ~(uintptr_t)7) ||
        memcmp((const void *)pc, trampoline, sizeof(trampoline)) != 0 ||
        !os_is_readable(sp) || !os_is_readable((uintptr_t)(frame + 1) - 8))
        return NULL;
    return &frame->context;
}

/* None can be made again: x8 still has the number, but the first argument was
 * where the result is now, in x0, and the kernel tells nobody. */
int arch_call_ended(const ucontext_t *context, int error)
{
    (void)context;
    (void)error;
    return -1;
}

void arch_call_again(ucontext_t *context, int number)
{
    (void)context;
    (void)number;
}

#endif
