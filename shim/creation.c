/* SPDX-License-Identifier: MIT */
/* creation.c - see creation.h. */
#include "creation.h"

#include "os.h"
#include "real_thread.h"
#include "thread_place.h"

/* The id of a new thread; 0 when it has ended, negative when it was joined. */
static int32_t read_tid(const pthread_t *thread)
{
    const struct real_thread_field *field = real_thread_tid;
    pthread_t descriptor;
    int32_t tid;

    /* Also the handle: its memory is the new thread's to free. */
    if (!field || os_is_filtered() ||
        os_copy(&descriptor, (uintptr_t)thread, sizeof(descriptor)) != 0 ||
        os_copy(&tid, (uintptr_t)descriptor + field->offset, sizeof(tid)) != 0)
        return 0;
    return tid;
}

void creation_file(const pthread_t *thread, uint32_t callsite)
{
    int32_t tid = callsite ? read_tid(thread) : 0;
    struct segment_thread *record;

    if (tid <= 0)
        return;
    record = thread_place_take((uint32_t)tid, callsite);
    if (record)
        __atomic_store_n(&record->created_ns, os_boottime_ns(),
                         __ATOMIC_RELEASE);
}
