/* SPDX-License-Identifier: MIT */
/* arch_aarch64.h - see arch.h. x0-x30, sp, pc. */
#ifndef PREPROF_ARCH_AARCH64_H
#define PREPROF_ARCH_AARCH64_H

#define ARCH_REGISTERS 33u
#define ARCH_BP        29u
#define ARCH_SP        31u
#define ARCH_RA        30u
#define ARCH_CFI_NOP   0x2d /* AARCH64_negate_ra_state: see below */

/* {x29, x30} are saved together, and a rule's slot is that of x29. */
#define ARCH_RETURN_SLOT(slot) ((slot)-8u)
#define ARCH_RED_ZONE          0u
/* A frame record may lie anywhere in its frame. */
#define ARCH_RECORD_ENDS_FRAME 0

/* Signed or not: user code lies below 2^48, and a signature above. */
static ALWAYS_INLINE uintptr_t arch_code_address(uintptr_t word)
{
    return word & ((UINT64_C(1) << 48) - 1);
}

static ALWAYS_INLINE uintptr_t arch_thread_pointer(void)
{
    uintptr_t pointer;

    __asm__("mrs %0, tpidr_el0" : "=r"(pointer));
    return pointer;
}

static ALWAYS_INLINE uintptr_t arch_capture(uintptr_t *registers)
{
    uintptr_t pc;

    __asm__ volatile("stp x19, x20, [%1, #152]\n\t"
                     "stp x21, x22, [%1, #168]\n\t"
                     "stp x23, x24, [%1, #184]\n\t"
                     "stp x25, x26, [%1, #200]\n\t"
                     "stp x27, x28, [%1, #216]\n\t"
                     "stp x29, x30, [%1, #232]\n\t"
                     "mov %0, sp\n\t"
                     "str %0, [%1, #248]\n\t"
                     "adr %0, 0f\n"
                     "0:"
                     : "=&r"(pc)
                     : "r"(registers)
                     : "memory");
    return pc;
}

#endif
