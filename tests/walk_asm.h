/* SPDX-License-Identifier: MIT */
/*
 * walk_asm.h - code that no compiler emits, for the tests of walks.
 *
 *   call_framed(f)     calls f from a function without unwind tables that keeps
 *                      a frame record; framed_return is where f returns to
 *   call_bare(f, bp)   calls f with anything in the frame pointer
 *   call_faulting()    is interrupted in its first instruction, which is
 *                      FAULT_SIZE long
 *   CONTEXT_PC, _SP, _BP(context)  registers of an interrupted context
 */
#ifndef PREPROF_WALK_ASM_H
#define PREPROF_WALK_ASM_H

#include <stdint.h>
#include <ucontext.h>

void call_framed(void (*function)(void));
void call_bare(void (*function)(void), uintptr_t bp);
void call_faulting(void);
void framed_return(void);

__asm__(".text\n"
        ".globl call_framed, framed_return, call_bare, call_faulting\n");

#if defined(__x86_64__)
__asm__("call_framed:\n\t"
        "push %rbp\n\tmov %rsp, %rbp\n\tsub $48, %rsp\n\t"
        "call *%rdi\n"
        "framed_return:\n\t"
        "leave\n\tret\n"
        "call_bare:\n\t"
        "push %rbp\n\tmov %rsi, %rbp\n\t"
        "call *%rdi\n\t"
        "pop %rbp\n\tret\n"
        "call_faulting:\n\t"
        ".cfi_startproc\n\tud2\n\tret\n\t.cfi_endproc\n");
#define FAULT_SIZE          2
#define CONTEXT_PC(context) ((context)->uc_mcontext.gregs[REG_RIP])
#define CONTEXT_SP(context) ((context)->uc_mcontext.gregs[REG_RSP])
#define CONTEXT_BP(context) ((context)->uc_mcontext.gregs[REG_RBP])
#elif defined(__aarch64__)
__asm__("call_framed:\n\t"
        "stp x29, x30, [sp, #-64]!\n\tmov x29, sp\n\t"
        "blr x0\n"
        "framed_return:\n\t"
        "ldp x29, x30, [sp], #64\n\tret\n"
        "call_bare:\n\t"
        "stp x29, x30, [sp, #-16]!\n\tmov x29, x1\n\t"
        "blr x0\n\t"
        "ldp x29, x30, [sp], #16\n\tret\n"
        "call_faulting:\n\t"
        ".cfi_startproc\n\t.inst 0\n\tret\n\t.cfi_endproc\n");
#define FAULT_SIZE          4
#define CONTEXT_PC(context) ((context)->uc_mcontext.pc)
#define CONTEXT_SP(context) ((context)->uc_mcontext.sp)
#define CONTEXT_BP(context) ((context)->uc_mcontext.regs[29])
#endif

#endif
