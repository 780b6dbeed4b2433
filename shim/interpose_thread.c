/* SPDX-License-Identifier: MIT */
/*
 * interpose_thread.c - creating threads.
 *
 * A thread is counted at the stack that created it, once it exists: a failure
 * leaves nothing behind (hazards B7). Which stack that was is kept for as long
 * as it lives. The thread runs what it was given; no frame of ours is below its
 * first function, as what gives it its creator's labels jumps there.
 */
#include <stdbool.h>

#include "cc.h"
#include "creation.h"
#include "event.h"
#include "heir.h"
#include "life.h"
#include "real_thread.h"
#include "thread.h"
#include "walk.h"

static bool is_recording(void)
{
    return life_joined(&thread_self) &&
           SEGMENT_MODE_OF(life_mode()) != SEGMENT_MODE_OFF;
}

/* ---- under labels ------------------------------------------------------ */

static void *run_heir(void *slot)
{
    struct heir *heir = slot;
    void *(*run)(void *) = (void *(*)(void *))heir->run;
    void *argument = heir->argument;

    heir_begin(heir);
    return run(argument);
}

static int run_heir_c11(void *slot)
{
    struct heir *heir = slot;
    thrd_start_t run = (thrd_start_t)heir->run;
    void *argument = heir->argument;

    heir_begin(heir);
    return run(argument);
}

/* ---- creating ---------------------------------------------------------- */

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *argument)
{
    const struct walk_start start = WALK_START_HERE();
    struct heir *heir = heir_make((void (*)(void))run, argument);
    int error = real_thread.pthread_create(
        thread, attributes, heir ? run_heir : run, heir ? heir : argument);

    if (error == 0 && is_recording())
        creation_file(thread, event_record(SEGMENT_EVENT_THREAD, 0, &start));
    else if (error && heir)
        heir_drop(heir);
    return error;
}

EXPORT int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
    const struct walk_start start = WALK_START_HERE();
    struct heir *heir = heir_make((void (*)(void))run, argument);
    int result = real_thread.thrd_create(thread, heir ? run_heir_c11 : run,
                                         heir ? heir : argument);

    if (result == thrd_success && is_recording())
        creation_file(thread, event_record(SEGMENT_EVENT_THREAD, 0, &start));
    else if (result != thrd_success && heir)
        heir_drop(heir);
    return result;
}
