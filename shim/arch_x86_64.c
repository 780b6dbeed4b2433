/* SPDX-License-Identifier: MIT */
/* arch_x86_64.c - see arch.h. */
#include "arch.h"

#if defined(__x86_64__)

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "cfi.h"
#include "os.h"

/* What precedes the end of a system call, in bytes. */
#define CALL    2u  /* syscall */
#define MOVE    5u  /* mov $number,%eax */
#define BETWEEN 10u /* other moves: the most that glibc's recvfrom() has */
#define SEEN    (1u + MOVE + BETWEEN + CALL) /* with the move's prefix */

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

/* The code before pc; none where it might not be there. */
static const uint8_t *code_before(uintptr_t pc)
{
    uintptr_t first = pc - SEEN;

    return first / OS_PAGE_SIZE == pc / OS_PAGE_SIZE ||
                   os_is_readable(first & ~(uintptr_t)7)
               ? (const uint8_t *)first
               : NULL;
}

/* rax had the number, and has the result. It is what the instruction says that
 * put it there: found behind the call's wrapper in libc, but not in syscall(2),
 * which gets it as an argument. */
int arch_call_ended(const ucontext_t *context, int error)
{
    const greg_t *registers = context->uc_mcontext.gregs;
    const uint8_t *code, *call;
    int32_t number;

    if (registers[REG_RAX] != -error)
        return -1;
    code = code_before((uintptr_t)registers[REG_RIP]);
    call = code ? code + SEEN - CALL : NULL;
    if (!call || call[0] != 0x0f || call[1] != 0x05)
        return -1;
    if (call[-2] == 0x31 && call[-1] == 0xc0) /* xor %eax,%eax */
        return SYS_read;
    for (const uint8_t *move = call - MOVE; move > code; move--) {
        memcpy(&number, move + 1, sizeof(number));
        if (move[0] == 0xb8 && move[-1] != 0x41 /* of r8d */ && number > 0)
            return number;
    }
    return -1;
}

/* The other registers are as they were, but the two that any call destroys.
 * glibc has its cancellation points, where it knows them by their addresses
 * (2.41), reach up to the instruction: a call that waits to be made again is
 * inside, and may be cancelled. */
void arch_call_again(ucontext_t *context, int number)
{
    context->uc_mcontext.gregs[REG_RAX] = number;
    context->uc_mcontext.gregs[REG_RIP] -= CALL;
}

#endif
