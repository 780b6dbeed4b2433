/* SPDX-License-Identifier: MIT */
/* thread.c - see thread.h. */
#include "thread.h"

#include <signal.h>
#include <sys/syscall.h>

#include "os.h"

bool thread_mark_is_stale(uintptr_t mark, uintptr_t frame)
{
    stack_t alternate = {.ss_sp = NULL};
    uintptr_t start;
    bool mark_on_it, frame_on_it;

    os_syscall(SYS_sigaltstack, 0, (long)&alternate, 0, 0, 0, 0);
    start = (uintptr_t)alternate.ss_sp;
    mark_on_it = mark - start < alternate.ss_size;
    frame_on_it = frame - start < alternate.ss_size;
    /* Who is on the alternate stack interrupts what is not; who is not has
     * left it. On one stack, who interrupts is below. */
    return mark_on_it != frame_on_it ? mark_on_it : mark <= frame;
}
