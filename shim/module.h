/* SPDX-License-Identifier: MIT */
/*
 * module.h - every object a recorded pc was ever in, by name and build id.
 *
 * Entered into the segment when a pc in it is first recorded, so that the pc
 * can be named later: after dlclose, and after death (hazards E15). Modules
 * are never removed; one whose code was unmapped and replaced is marked dead
 * here, its unwind rules are forgotten, and stacks count as new from then on.
 *
 * Loads and unloads are noticed by glibc's own counters, which are private to
 * it but sit in the exported _rtld_global: every word there that equals the
 * number of loads dl_iterate_phdr reports is watched; watching one too many
 * costs time, not truth (reference: unwinding.md 3.6 B). They move also for
 * loads that no wrapper of dlopen would see (gconv, NSS), and wrapping dlopen
 * breaks its caller's $ORIGIN. Read next: segment.h, walk.h.
 */
#ifndef PREPROF_MODULE_H
#define PREPROF_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "cc.h"

#define MODULE_WATCHES_MAX 4

/* The loader's words that move when an object is loaded. Nearly always there
 * are two, which are looked at first; where one is missing it is a constant. */
extern HIDDEN const uint64_t *module_watches[MODULE_WATCHES_MAX];
extern HIDDEN int module_watch_count;

/* What they were when somebody looked. Zeros: long ago. */
struct module_loads {
    uint64_t words[MODULE_WATCHES_MAX];
};

/* Called once per process image: finds what to watch. Takes the loader's
 * lock; never from a hook. */
void module_begin(void);

/* Called at each birth. Returns 0 or -ENOMEM. */
int module_reset(void);

/* The module a pc is in, as segment_node.module says it: index + 1, or 0 when
 * it is in none or the table is full. Threads: any. Never waits. */
uint16_t module_of(uintptr_t pc);

static ALWAYS_INLINE bool module_moved(const struct module_loads *loads, int i)
{
    return __atomic_load_n(module_watches[i], __ATOMIC_RELAXED) !=
           __atomic_load_n(&loads->words[i], __ATOMIC_RELAXED);
}

/* Whether something was loaded or unloaded since *loads was read. */
static ALWAYS_INLINE bool module_changed(const struct module_loads *loads)
{
    if (UNLIKELY(module_moved(loads, 0) || module_moved(loads, 1)))
        return true;
    for (int i = 2; UNLIKELY(i < module_watch_count); i++)
        if (module_moved(loads, i))
            return true;
    return false;
}

/*
 * Where something changed since *loads was read: finds out which modules were
 * replaced, forgets their rules, and then brings *loads up to date. Two threads
 * may do so at once; neither goes on before what it has seen is forgotten.
 */
COLD void module_refresh(struct module_loads *loads);

/* How often code was replaced at addresses in use. Threads: any. */
uint64_t module_remaps(void);

#endif
