/* SPDX-License-Identifier: MIT */
/* heir.c - see heir.h. */
#include "heir.h"

#include <stdbool.h>
#include <stddef.h>

#include "label.h"
#include "life.h"
#include "os.h"

struct slots {
    uint32_t turn; /* where to look next: the longest free, mostly */
    struct heir heirs[HEIRS_MAX];
};

static struct slots *slots; /* NULL until there is an heir; wiped in children */

static struct slots *get_slots(void)
{
    struct slots *known = __atomic_load_n(&slots, __ATOMIC_ACQUIRE);
    struct slots *made;

    if (known)
        return known;
    made = os_map_wiped(sizeof(*made));
    if (!made ||
        __atomic_compare_exchange_n(&slots, &known, made, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    os_unmap(made, sizeof(*made));
    return known;
}

static struct heir *take_slot(void)
{
    struct slots *all = get_slots();

    for (uint32_t i = 0; all && i < HEIRS_MAX; i++) {
        uint32_t turn = __atomic_fetch_add(&all->turn, 1, __ATOMIC_RELAXED);
        struct heir *heir = &all->heirs[turn % HEIRS_MAX];
        uint32_t none = 0;

        if (__atomic_compare_exchange_n(&heir->taken, &none, 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return heir;
    }
    return NULL;
}

struct heir *heir_make(void (*run)(void), void *argument)
{
    uint32_t labels = label_current();
    struct heir *heir;

    if (!labels)
        return NULL;
    heir = take_slot();
    if (!heir) {
        life_lose(SEGMENT_LOSS_HEIRS_FULL, 1);
        return NULL;
    }
    heir->run = run;
    heir->argument = argument;
    heir->labels = labels;
    return heir;
}

void heir_drop(struct heir *heir)
{
    __atomic_store_n(&heir->taken, 0, __ATOMIC_RELEASE);
}

void heir_begin(struct heir *heir)
{
    uint32_t labels = heir->labels;

    heir_drop(heir);
    if (life_joined(&thread_self))
        label_adopt(labels);
}
