/* SPDX-License-Identifier: MIT */
/* frame.c - see frame.h. */
#include "frame.h"

#include <string.h>

#include "cfi.h"
#include "expression.h"
#include "fiber.h"
#include "guess.h"

void frame_interrupted(struct frame *frame, const ucontext_t *context)
{
    uintptr_t sp, end;

    frame->pc = arch_interrupted(context, frame->registers);
    sp = frame->registers[ARCH_SP];
    end = guess_stack_end(sp);
    frame->low = end ? sp - ARCH_RED_ZONE : 0;
    frame->high = end ? end : UINTPTR_MAX;
    frame->tag = WALK_FRAME_EXACT;
    frame->guessed = false;
    frame->asks = end == 0;
}

/* What register `packed` says of was in the caller. An undefined one is given
 * the value it has: none that matters is undefined. */
static bool recover(const struct frame *old, const struct fde *fde,
                    uintptr_t cfa, int32_t packed, uintptr_t *value)
{
    int64_t operand = CFI_VALUE(packed);

    switch (CFI_HOW(packed)) {
    case CFI_SAME:
    case CFI_UNDEFINED:
        return true;
    case CFI_SAVED_AT:
        return frame_load(old, cfa + (uintptr_t)operand, value);
    case CFI_IS:
        *value = cfa + (uintptr_t)operand;
        return true;
    case CFI_IN_REGISTER:
        if (operand < 0 || operand >= (int64_t)ARCH_REGISTERS)
            return false;
        *value = old->registers[operand];
        return true;
    case CFI_EXPRESSION:
        return expression_value(cfi_expression(fde, operand), old, &cfa,
                                value) &&
               frame_load(old, *value, value);
    case CFI_IS_EXPRESSION:
        return expression_value(cfi_expression(fde, operand), old, &cfa, value);
    default:
        return false;
    }
}

static bool find_cfa(const struct frame *frame, const struct fde *fde,
                     const struct cfi_row *row, uintptr_t *cfa)
{
    if (row->cfa_register == CFI_CFA_EXPRESSION)
        return expression_value(cfi_expression(fde, row->cfa_offset), frame,
                                NULL, cfa);
    if (row->cfa_register >= ARCH_REGISTERS)
        return false;
    *cfa = frame->registers[row->cfa_register] + (uintptr_t)row->cfa_offset;
    return true;
}

/* Not inlined, so that its copy of the frame is not on the stack while CFI
 * runs. */
static NOINLINE enum frame_result
by_row(struct frame *frame, const struct fde *fde, const struct cfi_row *row)
{
    struct frame old = *frame;
    uintptr_t cfa, sp;

    if (CFI_HOW(row->registers[ARCH_RA]) == CFI_UNDEFINED)
        return FRAME_OUTERMOST;
    if (!find_cfa(&old, fde, row, &cfa))
        return FRAME_LOST;
    sp = cfa;
    for (uint32_t i = 0; i < ARCH_REGISTERS; i++)
        if (!recover(&old, fde, cfa, row->registers[i], &frame->registers[i])) {
            /* gcc says of rbp behind the end of a realigned frame, where it
             * has been restored, that it still is to be. */
            frame->registers[i] = old.registers[i];
            if (i == ARCH_RA || i == ARCH_SP) {
                *frame = old;
                return FRAME_LOST;
            }
        }
    if (CFI_HOW(row->registers[ARCH_SP]) == CFI_SAME)
        frame->registers[ARCH_SP] = sp;
    frame->pc = arch_code_address(frame->registers[ARCH_RA]);
    frame->tag = fde->signal ? WALK_FRAME_EXACT : 0;
    /* A stack grows inwards; only a signal may have come on another one, and
     * only a frame that has not been set up yet has no room. */
    if (!fde->signal && frame->registers[ARCH_SP] - old.registers[ARCH_SP] -
                                !(old.tag & WALK_FRAME_EXACT) >=
                            WALK_FRAME_SIZE_MAX) {
        *frame = old;
        return FRAME_LOST;
    }
    return FRAME_MOVED;
}

/* Code without unwind tables. */
static NOINLINE enum frame_result without_row(struct frame *frame)
{
    uintptr_t *registers = frame->registers;
    struct walk_start at = {frame->pc, registers[ARCH_SP], registers[ARCH_BP]};
    const ucontext_t *context =
        frame->guessed ? NULL : arch_signal_context(at.pc, at.sp);
    uintptr_t end = frame->high;

    if (context) {
        frame->pc = arch_interrupted(context, registers);
        frame->tag = WALK_FRAME_EXACT;
        return FRAME_MOVED;
    }
    if (end == UINTPTR_MAX)
        end = guess_stack_end(at.sp);
    if (at.sp < frame->low || !guess_out(&at, end))
        return FRAME_LOST;
    if (frame->high == UINTPTR_MAX) {
        frame->low = registers[ARCH_SP];
        frame->high = end;
    }
    frame->asks = false;
    frame->guessed = true;
    frame->pc = at.pc;
    registers[ARCH_RA] = at.pc;
    registers[ARCH_SP] = at.sp;
    registers[ARCH_BP] = at.bp;
    frame->tag = WALK_FRAME_GUESSED;
    return FRAME_MOVED;
}

enum frame_result frame_out(struct frame *frame)
{
    /* A call returns behind itself, perhaps into what is not its function. */
    uintptr_t pc = frame->pc - !(frame->tag & WALK_FRAME_EXACT);
    struct cfi_row row;
    struct fde fde;

    if (frame->guessed && !ARCH_RECORD_ENDS_FRAME)
        return without_row(frame);
    if (!(frame->tag & WALK_FRAME_EXACT) && fiber_ends(frame->pc))
        return FRAME_OUTERMOST;
    switch (fde_find(pc, &fde)) {
    case FDE_FOUND:
        return cfi_row(&fde, pc, &row) ? by_row(frame, &fde, &row) : FRAME_LOST;
    case FDE_NO_CODE:
    case FDE_NO_OBJECT:
        return without_row(frame);
    default:
        return FRAME_LOST;
    }
}
