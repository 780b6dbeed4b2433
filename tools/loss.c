/* SPDX-License-Identifier: MIT */
/* loss.c - see loss.h. */
#include "loss.h"

static const char *const texts[] = {
#define LOSS_TEXT(name, text) [SEGMENT_LOSS_##name] = text,
    SEGMENT_LOSSES(LOSS_TEXT)
#undef LOSS_TEXT
};

static const struct {
    bool serious;
    const char *advice;
} losses[] = {
    [SEGMENT_LOSS_UNKNOWN_ORIGIN] =
        {false, "Allocated before recording began, or in another process."},
    [SEGMENT_LOSS_STACK_TRUNCATED] =
        {false, "Recursion beyond 1024 frames, or code without unwind tables."},
    [SEGMENT_LOSS_TABLE_FULL] =
        {true, "Too many distinct stacks: totals are right, stacks are cut."},
    [SEGMENT_LOSS_NO_ROOM] =
        {true, "Free space where the segments are, or set PREPROF_DIR."},
    [SEGMENT_LOSS_OWNER_FULL] =
        {true, "In-use is too low: raise the memory limit (ulimit -v)."},
    [SEGMENT_LOSS_OWNER_RANGE] =
        {true, "In-use is too low: these blocks are at odd addresses."},
    [SEGMENT_LOSS_OVERWRITTEN] =
        {true, "Something frees memory without calling the shim."},
    [SEGMENT_LOSS_SAMPLES_FULL] = {true, "Sample less: --mode sample=4M."},
    [SEGMENT_LOSS_MODULES_FULL] = {true, "Some addresses have no names."},
    [SEGMENT_LOSS_BEFORE_START] = {false, "A few are normal: the loader's."},
    [SEGMENT_LOSS_SHARDS_SHARED] =
        {false, "Counting is slower in these threads, not wrong."},
    [SEGMENT_LOSS_FRAMES_GUESSED] =
        {false, "Code without unwind tables: its stacks may be wrong."},
    [SEGMENT_LOSS_TIMERS_REFUSED] =
        {true, "Raise the limit of pending signals (ulimit -i)."},
    [SEGMENT_LOSS_TICKS_UNWALKED] =
        {false, "Small alternate signal stacks, or more threads than room."},
    [SEGMENT_LOSS_TICKS_DROPPED] =
        {true, "Free space where the segments are, or set PREPROF_DIR."},
    [SEGMENT_LOSS_EVENTS_DROPPED] =
        {true, "Free space where the segments are, or set PREPROF_DIR."},
    [SEGMENT_LOSS_THREADS_FULL] =
        {false, "Too many threads at a time: of some, too little is known."},
    [SEGMENT_LOSS_WAITERS_FULL] =
        {false, "The profile mutex shows too little, block shows all."},
    [SEGMENT_LOSS_LABELS_FULL] = {false,
                                  "Use labels with fewer different values."},
    [SEGMENT_LOSS_LABELS_REFUSED] =
        {false, "The limits of labels are in libpreprof(7)."},
    [SEGMENT_LOSS_HEIRS_FULL] =
        {false, "Create fewer threads at once, or set their labels there."},
    [SEGMENT_LOSS_MOMENTS_DROPPED] = {false,
                                      "Traces lack them; profiles do not."},
};

_Static_assert(sizeof(losses) / sizeof(losses[0]) == SEGMENT_LOSS_COUNT,
               "advice for every loss");

const char *loss_text(enum segment_loss loss)
{
    return texts[loss];
}

const char *loss_advice(enum segment_loss loss)
{
    return losses[loss].advice;
}

bool loss_is_serious(enum segment_loss loss)
{
    return losses[loss].serious;
}

bool loss_any_serious(const uint64_t counts[SEGMENT_LOSS_COUNT])
{
    for (unsigned i = 0; i < SEGMENT_LOSS_COUNT; i++)
        if (counts[i] && loss_is_serious(i))
            return true;
    return false;
}
