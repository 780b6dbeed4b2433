/* SPDX-License-Identifier: MIT */
/* profile_kind.c - see profile_kind.h. */
#include "profile_kind.h"

#include <string.h>

#define HEAP_VALUES                                                            \
    .values = {{"alloc_objects", "count"},                                     \
               {"alloc_space", "bytes"},                                       \
               {"inuse_objects", "count"},                                     \
               {"inuse_space", "bytes"}},                                      \
    .value_count = 4, .period = {"space", "bytes"}
#define THREAD_VALUES(name)                                                    \
    .values = {{name, "count"}}, .value_count = 1, .period = {name, "count"}
#define WAIT_VALUES                                                            \
    .values = {{"contentions", "count"}, {"delay", "nanoseconds"}},            \
    .value_count = 2, .period = {"contentions", "count"}

const struct profile_kind profile_kinds[] = {
    {.name = "heap", HEAP_VALUES},
    {.name = "allocs", HEAP_VALUES, .default_type = "alloc_space"},
    {.name = "peak",
     .values = {{"inuse_objects", "count"}, {"inuse_space", "bytes"}},
     .value_count = 2,
     .period = {"space", "bytes"}},
    {.name = "goroutine", THREAD_VALUES("goroutine")},
    {.name = "threadcreate",
     THREAD_VALUES("threadcreate"),
     .event = SEGMENT_EVENT_THREAD},
    {.name = "block", WAIT_VALUES, .event = SEGMENT_EVENT_BLOCK},
    {.name = "mutex", WAIT_VALUES, .event = SEGMENT_EVENT_MUTEX},
    {.name = "profile",
     .values = {{"samples", "count"}, {"cpu", "nanoseconds"}},
     .value_count = 2,
     .period = {"cpu", "nanoseconds"},
     .event = SEGMENT_EVENT_CPU},
};
const size_t profile_kind_count =
    sizeof(profile_kinds) / sizeof(profile_kinds[0]);

const struct profile_kind *profile_kind_find(const char *name)
{
    for (size_t i = 0; i < profile_kind_count; i++)
        if (strcmp(profile_kinds[i].name, name) == 0)
            return &profile_kinds[i];
    return NULL;
}

bool profile_kind_is_heap(const struct profile_kind *kind)
{
    return kind->value_count == 4;
}

bool profile_kind_is_peak(const struct profile_kind *kind)
{
    return strcmp(kind->name, "peak") == 0;
}
