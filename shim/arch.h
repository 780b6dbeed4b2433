/* SPDX-License-Identifier: MIT */
/*
 * arch.h - everything that depends on the processor.
 *
 * One header and one source file per architecture; the rest of the shim is the
 * same everywhere. Each gives:
 *
 *   ARCH_REGISTERS      registers by their DWARF numbers, 0 .. n - 1
 *   ARCH_SP, ARCH_BP    the stack and the frame pointer among them
 *   ARCH_RA             the column of the return address
 *   ARCH_CFI_NOP        an instruction of this architecture's CFI that changes
 *                       nothing here
 *   ARCH_RETURN_SLOT(slot)  the return address is saved at CFA - this in a
 *                       frame whose rule has the slot (cfi.h)
 *   ARCH_RED_ZONE       bytes below sp that belong to the frame
 *   ARCH_RECORD_ENDS_FRAME  whether the caller's sp is right behind a frame
 *                       record {caller's bp, return address}
 *   arch_code_address() a return address as it lay on the stack, without the
 *                       signature that some processors put into it
 *   arch_capture()      the registers as they are here, all that a caller may
 *                       rely on; returns the pc they belong to
 *   arch_thread_pointer()   glibc's thread control block, which lies at the
 *                       outer end of the stacks it makes
 *
 * and the functions below. Read next: cfi.h, frame.h.
 */
#ifndef PREPROF_ARCH_H
#define PREPROF_ARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "cc.h"

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__aarch64__)
#include "arch_aarch64.h"
#else
#error "no arch_*.h for this processor"
#endif

struct fde;
struct cfi_row;

/* The row as a rule (cfi.h), or CFI_ESCAPE where it is none. */
uint32_t arch_rule(const struct fde *fde, const struct cfi_row *row);

/* The registers and the pc of an interrupted context. */
uintptr_t arch_interrupted(const ucontext_t *context, uintptr_t *registers);

/* What the function of a context that makecontext() made will return to. */
uintptr_t arch_fiber_return(const ucontext_t *context);

/* Whether the code at pc, which has no unwind tables, is what a signal handler
 * returns into; then the context that it restores. */
const ucontext_t *arch_signal_context(uintptr_t pc, uintptr_t sp);

/* The number of the system call that has just ended with this error in the
 * interrupted context, by the code before its pc, or -1. It must be one that
 * can be made again. Then: has it made when the signal handler returns. */
int arch_call_ended(const ucontext_t *context, int error);
void arch_call_again(ucontext_t *context, int number);

#endif
