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

#include <stdint.h>

#include "cc.h"

#define MODULE_WATCHES_MAX 4

/* One word of the loader's that moves when an object is loaded. */
struct module_watch {
    const uint64_t *word;
    uint64_t seen;
};
extern struct module_watch module_watches[MODULE_WATCHES_MAX];
extern int module_watch_count;

/* Called once per process image: finds what to watch. Takes the loader's
 * lock; never from a hook. */
void module_begin(void);

/* Called at each birth. Returns 0 or -ENOMEM. */
int module_reset(void);

/* The module a pc is in, as segment_node.module says it: index + 1, or 0 when
 * it is in none or the table is full. Threads: any. Never waits. */
uint16_t module_of(uintptr_t pc);

/* Finds out which modules were replaced. Called when a watch moved. */
COLD void module_revalidate(void);

/* Looks whether anything was loaded since the last call. */
static ALWAYS_INLINE void module_refresh(void)
{
    for (int i = 0; i < module_watch_count; i++) {
        const struct module_watch *watch = &module_watches[i];

        if (UNLIKELY(__atomic_load_n(watch->word, __ATOMIC_RELAXED) !=
                     __atomic_load_n(&watch->seen, __ATOMIC_RELAXED))) {
            module_revalidate();
            return;
        }
    }
}

/* How often code was replaced at addresses in use. Threads: any. */
uint64_t module_remaps(void);

#endif
