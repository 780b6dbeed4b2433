/* SPDX-License-Identifier: MIT */
/*
 * init.c - what happens when the shim is loaded and when the program ends.
 *
 * The constructor is not the beginning: hooks come before it (hazards A4) and
 * life.h is born at the first of them. What is done here needs the loader's
 * lock or the whole program loaded. Read next: life.h.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cc.h"
#include "cpu.h"
#include "life.h"
#include "module.h"
#include "options.h"
#include "os.h"
#include "real.h"
#include "real_thread.h"
#include "thread.h"

/* ---- who owns malloc --------------------------------------------------- */

/* The object that the program's calls of malloc reach, if it is not us. */
static const char *find_first_in_scope(void)
{
    const void *first = real_find(RTLD_DEFAULT, "malloc");
    ElfW(Sym) *symbol = NULL;
    Dl_info info;

    if (!first || !dladdr1(first, &info, (void **)&symbol, RTLD_DL_SYMENT) ||
        info.dli_fbase ==
            real_object_of((const void *)find_first_in_scope, NULL))
        return NULL;
    /* A program linked at a fixed address that takes the address of malloc has
     * an undefined symbol with a value: its PLT entry, which leads to us. */
    if (symbol && symbol->st_shndx == SHN_UNDEF)
        return NULL;
    return info.dli_fname && *info.dli_fname ? info.dli_fname
                                             : life->header->executable;
}

static void check_allocator(void)
{
    const char *first;

    if (real.heap_tool)
        life_disable(SEGMENT_SANITIZER, real.heap_tool);
    else if (real.mixed)
        life_disable(SEGMENT_MIXED, real.object_path);
    else if ((first = find_first_in_scope()))
        life_doubt(first);
}

/* ---- begin and end ----------------------------------------------------- */

/* libc's, or another preload's. */
static void (*exit_behind)(int status), (*exit_c99_behind)(int status);

int __cxa_atexit(void (*function)(void *), void *argument, void *object);

static void end(void)
{
    int err = life_end();

    if (err)
        options_complain("profile not kept", life->header->output);
}

static void end_of_exit(void *unused)
{
    (void)unused;
    end();
}

__attribute__((constructor)) static void begin(void)
{
    real_resolve();
    real_thread_resolve();
    exit_behind = (void (*)(int))real_find(RTLD_NEXT, "_exit");
    exit_c99_behind = (void (*)(int))real_find(RTLD_NEXT, "_Exit");
    if (!life_join(&thread_self) || !life->extents)
        return;
    check_allocator();
    module_begin();
    cpu_begin();
    /* Handlers run from the last registered to the first. libc registers the
     * loader's, which runs every object's destructors, after our constructor;
     * so this one, being no object's, sees what those free. */
    __cxa_atexit(end_of_exit, NULL, NULL);
    at_quick_exit(end);
}

static _Noreturn void end_and_exit(void (*behind)(int status), int status)
{
    end();
    if (behind)
        behind(status);
    for (;;)
        os_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

EXPORT _Noreturn void _exit(int status)
{
    end_and_exit(exit_behind, status);
}

EXPORT _Noreturn void _Exit(int status)
{
    end_and_exit(exit_c99_behind, status);
}
