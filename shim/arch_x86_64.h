/* SPDX-License-Identifier: MIT */
/* arch_x86_64.h - see arch.h. rax rdx rcx rbx rsi rdi rbp rsp r8-r15, rip. */
#ifndef PREPROF_ARCH_X86_64_H
#define PREPROF_ARCH_X86_64_H

#define ARCH_REGISTERS 17u
#define ARCH_BP        6u
#define ARCH_SP        7u
#define ARCH_RA        16u
#define ARCH_CFI_NOP   0x2d /* GNU_window_save, never emitted */

#define ARCH_RETURN_SLOT(slot) ((void)(slot), 8u)
#define ARCH_RED_ZONE          128u
#define ARCH_RECORD_ENDS_FRAME 1

static ALWAYS_INLINE uintptr_t arch_code_address(uintptr_t word)
{
    return word;
}

static ALWAYS_INLINE uintptr_t arch_thread_pointer(void)
{
    uintptr_t pointer;

    __asm__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

static ALWAYS_INLINE uintptr_t arch_capture(uintptr_t *registers)
{
    uintptr_t pc;

    __asm__ volatile("movq %%rbx, 24(%1)\n\t"
                     "movq %%rbp, 48(%1)\n\t"
                     "movq %%rsp, 56(%1)\n\t"
                     "movq %%r12, 96(%1)\n\t"
                     "movq %%r13, 104(%1)\n\t"
                     "movq %%r14, 112(%1)\n\t"
                     "movq %%r15, 120(%1)\n\t"
                     "leaq 0f(%%rip), %0\n"
                     "0:"
                     : "=&r"(pc)
                     : "r"(registers)
                     : "memory");
    return pc;
}

#endif
