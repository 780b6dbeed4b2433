/* SPDX-License-Identifier: MIT */
/*
 * interpose_thread.c - creating threads.
 *
 * A thread is counted at the stack that created it, once it exists: a failure
 * leaves nothing behind (hazards B7). Which stack that was is kept for as long
 * as it lives. The thread runs what it was given; no frame of ours is below its
 * first function.
 */
#include <stdbool.h>

#include "cc.h"
#include "creation.h"
#include "event.h"
#include "life.h"
#include "real_thread.h"
#include "thread.h"
#include "walk.h"

static bool is_recording(void)
{
    return life_joined(&thread_self) &&
           SEGMENT_MODE_OF(life_mode()) != SEGMENT_MODE_OFF;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *argument)
{
    const struct walk_start start = WALK_START_HERE();
    int error = real_thread.pthread_create(thread, attributes, run, argument);

    if (error == 0 && is_recording())
        creation_file(thread, event_record(SEGMENT_EVENT_THREAD, 0, &start));
    return error;
}

EXPORT int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
    const struct walk_start start = WALK_START_HERE();
    int result = real_thread.thrd_create(thread, run, argument);

    if (result == thrd_success && is_recording())
        creation_file(thread, event_record(SEGMENT_EVENT_THREAD, 0, &start));
    return result;
}
