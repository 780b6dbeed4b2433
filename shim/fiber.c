/* SPDX-License-Identifier: MIT */
/* fiber.c - see fiber.h. */
#include "fiber.h"

#include <ucontext.h>

#include "arch.h"

static uintptr_t outermost;

static void nothing(void)
{
}

/* The address has no name: a context that never runs says it. */
__attribute__((constructor)) static void note_outermost(void)
{
    static uintptr_t stack[64];
    static ucontext_t context;

    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = sizeof(stack);
    makecontext(&context, nothing, 0);
    outermost = arch_fiber_return(&context);
}

bool fiber_ends(uintptr_t return_address)
{
    return return_address == outermost && outermost != 0;
}
