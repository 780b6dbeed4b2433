/* SPDX-License-Identifier: MIT */
/*
 * cfi.h - what undoes one frame, from .eh_frame.
 *
 * Runs the program of an address's FDE up to that address. Out of it comes a
 * row, which says of every register where the caller's value is; and of nearly
 * every row (99.9 % of the call sites of a Debian installation; reference:
 * unwinding.md 6) a rule of 32 bits: all that a walk over stack and frame
 * pointer needs. What has no rule is CFI_ESCAPE and takes all registers
 * (frame.h). Read next: rules.h, walk.h.
 */
#ifndef PREPROF_CFI_H
#define PREPROF_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "fde.h"

/* ---- rules ------------------------------------------------------------- */

enum cfi_kind {
    CFI_NONE = 0, /* no object there: nothing to remember */
    CFI_SP = 1,   /* CFA = sp + offset */
    CFI_BP = 2,   /* CFA = bp + offset */
    /* A realigned stack: CFA = *(bp - slot), the caller's bp at *bp. */
    CFI_REALIGNED = 3,
    CFI_END = 4,     /* the outermost frame */
    CFI_ESCAPE = 5,  /* needs more than sp and bp */
    CFI_NO_CODE = 6, /* an object without unwind tables for this address */
};

/*
 * A rule: kind in bits 0-2; offset / 8 in bits 3-20; slot / 8 in bits 21-31.
 * With a slot, the caller's bp is saved at CFA - slot; with 0 bp still has it.
 * The return address is at CFA - ARCH_RETURN_SLOT(slot).
 */
#define CFI_OFFSET_BITS   18
#define CFI_BP_BITS       11
#define CFI_KIND(rule)    ((enum cfi_kind)((rule)&7u))
#define CFI_OFFSET(rule)  (((rule) >> 3 & ((1u << CFI_OFFSET_BITS) - 1)) * 8ul)
#define CFI_BP_SLOT(rule) (((rule) >> 21) * 8ul)
#define CFI_RULE(kind, offset, bp_slot)                                        \
    ((uint32_t)(kind) | (uint32_t)((offset) / 8) << 3 |                        \
     (uint32_t)((bp_slot) / 8) << 21)

/* The rule of the code that `return_address` returns into. Threads: any.
 * Async-signal-safe. */
uint32_t cfi_rule(uintptr_t return_address);

/* ---- rows -------------------------------------------------------------- */

enum cfi_how {
    CFI_SAME = 0,      /* the register still has the caller's value */
    CFI_SAVED_AT,      /* at CFA + value */
    CFI_IS,            /* CFA + value */
    CFI_IN_REGISTER,   /* in register number value */
    CFI_EXPRESSION,    /* at the address that the expression yields */
    CFI_IS_EXPRESSION, /* what the expression yields */
    CFI_UNDEFINED,     /* lost */
    CFI_UNKNOWN,       /* a number out of any range */
};

/* How in bits 0-2, a signed value in the others. */
struct cfi_row {
    int64_t cfa_offset;
    uint32_t cfa_register; /* or CFI_CFA_EXPRESSION */
    int32_t registers[ARCH_REGISTERS];
};
#define CFI_CFA_EXPRESSION UINT32_MAX /* `offset` is one, as below */
#define CFI_HOW(packed)    ((enum cfi_how)((packed)&7))
#define CFI_VALUE(packed)  ((packed) >> 3)

/* The row for pc, which is an address in the FDE's code. False when the
 * program makes no sense. Async-signal-safe. */
bool cfi_row(const struct fde *fde, uintptr_t pc, struct cfi_row *row);

/* The block of an expression: `value` is where it begins, relative to the
 * FDE's program; it may be in the CIE's. */
static inline struct cursor cfi_expression(const struct fde *fde, int64_t value)
{
    const uint8_t *block = fde->program.next + value;
    bool own = value >= 0 && block < fde->program.end;

    return cursor_block(block, own ? fde->program.end : fde->cie_program.end);
}

#endif
