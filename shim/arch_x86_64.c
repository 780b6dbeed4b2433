/* SPDX-License-Identifier: MIT */
/* arch_x86_64.c - see arch.h. */
#include "arch.h"

#if defined(__x86_64__)

#include <stddef.h>

#include "cfi.h"

/* "breg6 k; deref", gcc's CFA of a function that realigned its stack: how far
 * below rbp, or 0 for another expression. */
static int64_t realigned_slot(const struct fde *fde, int64_t value)
{
    struct cursor c = cfi_expression(fde, value);
    uint64_t breg6 = cursor_bytes(&c, 1);
    int64_t below = -cursor_sleb(&c);
    uint64_t deref = cursor_bytes(&c, 1);

    return c.bad || c.next != c.end || breg6 != 0x76 || deref != 0x06 ? 0
                                                                      : below;
}

/* "breg6 0": the saved rbp of such a function. */
static bool is_at_bp(const struct fde *fde, int32_t packed)
{
    struct cursor c = cfi_expression(fde, CFI_VALUE(packed));

    return CFI_HOW(packed) == CFI_EXPRESSION && cursor_bytes(&c, 1) == 0x76 &&
           cursor_bytes(&c, 1) == 0 && !c.bad && c.next == c.end;
}

static bool fits(int64_t value, unsigned bits)
{
    return value >= 0 && value % 8 == 0 && value / 8 < INT64_C(1) << bits;
}

uint32_t arch_rule(const struct fde *fde, const struct cfi_row *row)
{
    int32_t bp = row->registers[ARCH_BP], ra = row->registers[ARCH_RA];
    int64_t slot = 0;

    if (CFI_HOW(ra) != CFI_SAVED_AT || CFI_VALUE(ra) != -8)
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    if (row->cfa_register == CFI_CFA_EXPRESSION) {
        slot = realigned_slot(fde, row->cfa_offset);
        if (slot > 0 && fits(slot, CFI_BP_BITS) && is_at_bp(fde, bp))
            return CFI_RULE(CFI_REALIGNED, 0, slot);
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    }
    if (CFI_HOW(bp) == CFI_SAVED_AT && CFI_VALUE(bp) < 0)
        slot = -CFI_VALUE(bp);
    else if (CFI_HOW(bp) != CFI_SAME)
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    if (row->cfa_offset < 8 || !fits(row->cfa_offset, CFI_OFFSET_BITS) ||
        !fits(slot, CFI_BP_BITS))
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    if (row->cfa_register == ARCH_SP)
        return CFI_RULE(CFI_SP, row->cfa_offset, slot);
    if (row->cfa_register == ARCH_BP)
        return CFI_RULE(CFI_BP, row->cfa_offset, slot);
    return CFI_RULE(CFI_ESCAPE, 0, 0);
}

uintptr_t arch_interrupted(const ucontext_t *context, uintptr_t *registers)
{
    static const uint8_t order[ARCH_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
        REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
        REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
    };

    for (size_t i = 0; i < ARCH_REGISTERS; i++)
        registers[i] = (uintptr_t)context->uc_mcontext.gregs[order[i]];
    return registers[ARCH_RA];
}

uintptr_t arch_fiber_return(const ucontext_t *context)
{
    return *(const uintptr_t *)context->uc_mcontext.gregs[REG_RSP];
}

/* glibc's __restore_rt has unwind tables. */
const ucontext_t *arch_signal_context(uintptr_t pc, uintptr_t sp)
{
    (void)pc;
    (void)sp;
    return NULL;
}

#endif
