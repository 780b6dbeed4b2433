/* SPDX-License-Identifier: MIT */
/* libexit.c - a preload with an _exit and an _Exit of its own, which say so on
 * stderr and go on to the next one. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Noreturn void go_on(const char *name, int status)
{
    void (*next)(int) = (void (*)(int))dlsym(RTLD_NEXT, name);

    dprintf(2, "libexit: %s %d\n", name, status);
    next(status);
    abort();
}

_Noreturn void _exit(int status)
{
    go_on("_exit", status);
}

_Noreturn void _Exit(int status)
{
    go_on("_Exit", status);
}
