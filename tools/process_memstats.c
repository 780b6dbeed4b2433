/* SPDX-License-Identifier: MIT */
/*
 * process_memstats.c - see process_memstats.h.
 *
 * A sample of weight R stands for R bytes: with Poisson sampling the variance
 * of an estimated sum of bytes B is at most B * R, whatever the sizes.
 */
#include "process_memstats.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "process_memory.h"

#define GO_PAUSES     256 /* length of PauseNs and PauseEnd */
#define GO_SIZES      61  /* length of BySize */
#define DEVIATIONS_95 1.96

/* clang-format off */
#define FIELDS(X)                                                              \
    X(Alloc) X(TotalAlloc) X(Sys) X(Lookups) X(Mallocs) X(Frees) X(HeapAlloc)  \
    X(HeapSys) X(HeapIdle) X(HeapInuse) X(HeapReleased) X(HeapObjects)         \
    X(StackInuse) X(StackSys) X(BuckHashSys) X(OtherSys)
/* clang-format on */

/* ---- reading ----------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void read_counters(const struct segment_snapshot *snapshot,
                          struct process_memstats *stats)
{
    const struct segment_values *total = &snapshot->total;
    uint32_t used = snapshot->header.modes_used;
    uint64_t word = snapshot->header.mode;
    struct preprof_memstats *go = &stats->go;

    if (SEGMENT_MODE_OF(word) != SEGMENT_MODE_OFF)
        used |= 1u << SEGMENT_MODE_OF(word);
    if (!used)
        return;
    go->known = PREPROF_KNOWN_HEAP_ALLOC;
    go->TotalAlloc = total->alloc_space;
    go->HeapAlloc = total->inuse_space;
    go->HeapObjects = total->inuse_objects;
    if (used == 1u << SEGMENT_MODE_EXACT) {
        go->known |= PREPROF_KNOWN_CALLS | PREPROF_KNOWN_EXACT;
        go->Mallocs = total->alloc_objects;
        go->Frees = total->alloc_objects - total->inuse_objects;
        return;
    }
    if (used == 1u << SEGMENT_MODE_SAMPLE) {
        go->known |= PREPROF_KNOWN_CALLS;
        go->Mallocs = snapshot->calls.allocs;
        go->Frees = snapshot->calls.frees;
        go->HeapObjects = go->Mallocs > go->Frees ? go->Mallocs - go->Frees : 0;
    }
    if (SEGMENT_MODE_OF(word) == SEGMENT_MODE_SAMPLE)
        stats->plus_minus =
            (uint64_t)(DEVIATIONS_95 *
                       sqrt((double)total->inuse_space *
                            (double)SEGMENT_SAMPLE_SIZE_OF(word)));
}

static void read_process(const struct segment_snapshot *snapshot,
                         struct process_memstats *stats)
{
    struct preprof_memstats *go = &stats->go;
    struct process_memory memory;
    uint64_t ours = snapshot->header.private_bytes;

    if (snapshot->life != SEGMENT_LIFE_LIVE)
        return;
    if (process_memory_read(snapshot->header.pid, &memory) == 0) {
        go->known |= PREPROF_KNOWN_HEAP_SYS;
        /* The shim's own tables are anonymous memory, too. */
        go->HeapSys = memory.heap_mapped > ours ? memory.heap_mapped - ours : 0;
        go->HeapSys = larger(go->HeapSys, go->HeapAlloc);
        go->HeapInuse = larger(memory.heap_resident, go->HeapAlloc);
        if (go->HeapInuse > go->HeapSys)
            go->HeapInuse = go->HeapSys;
        go->HeapIdle = go->HeapReleased = go->HeapSys - go->HeapInuse;
        go->StackInuse = memory.stack_resident;
        go->StackSys = memory.stack_mapped;
    }
    stats->resident = memory.resident;
    stats->resident_max = memory.resident_max;
}

void process_memstats_read(const struct segment_snapshot *snapshot,
                           struct process_memstats *stats)
{
    struct preprof_memstats *go = &stats->go;

    *stats = (struct process_memstats){.go.size = sizeof(*go)};
    read_counters(snapshot, stats);
    read_process(snapshot, stats);
    go->Alloc = go->HeapAlloc;
    go->BuckHashSys =
        SEGMENT_EXTENTS_OFFSET +
        (uint64_t)snapshot->header.extents_used * SEGMENT_EXTENT_SIZE;
    go->OtherSys = snapshot->header.private_bytes;
    go->Sys = go->HeapSys + go->StackSys + go->BuckHashSys + go->OtherSys;
}

/* ---- writing ----------------------------------------------------------- */

static void write_pauses(const char *name, FILE *out)
{
    fprintf(out, "# %s = [0", name);
    for (int i = 1; i < GO_PAUSES; i++)
        fputs(" 0", out);
    fputs("]\n", out);
}

void process_memstats_write_text(const struct process_memstats *stats,
                                 FILE *out)
{
    const struct preprof_memstats *go = &stats->go;

    fputs("\n# runtime.MemStats\n", out);
#define WRITE(name) fprintf(out, "# " #name " = %" PRIu64 "\n", go->name)
    WRITE(Alloc);
    WRITE(TotalAlloc);
    WRITE(Sys);
    WRITE(Lookups);
    WRITE(Mallocs);
    WRITE(Frees);
    WRITE(HeapAlloc);
    WRITE(HeapSys);
    WRITE(HeapIdle);
    WRITE(HeapInuse);
    WRITE(HeapReleased);
    WRITE(HeapObjects);
    fprintf(out, "# Stack = %" PRIu64 " / %" PRIu64 "\n", go->StackInuse,
            go->StackSys);
    fputs("# MSpan = 0 / 0\n# MCache = 0 / 0\n", out);
    WRITE(BuckHashSys);
    fputs("# GCSys = 0\n", out);
    WRITE(OtherSys);
#undef WRITE
    fputs("# NextGC = 0\n# LastGC = 0\n", out);
    write_pauses("PauseNs", out);
    write_pauses("PauseEnd", out);
    fputs("# NumGC = 0\n# NumForcedGC = 0\n# GCCPUFraction = 0\n"
          "# DebugGC = false\n",
          out);
    fprintf(out, "# MaxRSS = %" PRIu64 "\n", stats->resident_max);
}

static json_t *zeros(size_t count)
{
    json_t *array = json_array();

    while (count--)
        json_array_append_new(array, json_integer(0));
    return array;
}

static json_t *sizes(void)
{
    json_t *array = json_array();

    for (int i = 0; i < GO_SIZES; i++)
        json_array_append_new(array, json_pack("{s:i, s:i, s:i}", "Size", 0,
                                               "Mallocs", 0, "Frees", 0));
    return array;
}

json_t *process_memstats_json(const struct process_memstats *stats)
{
    static const char *const never[] = {
        "MSpanInuse",   "MSpanSys",    "MCacheInuse",  "MCacheSys",
        "GCSys",        "NextGC",      "LastGC",       "NumGC",
        "PauseTotalNs", "NumForcedGC", "GCCPUFraction"};
    json_t *object = json_object();

#define ADD(name)                                                              \
    json_object_set_new(object, #name,                                         \
                        json_integer((json_int_t)stats->go.name));
    FIELDS(ADD)
#undef ADD
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        json_object_set_new(object, never[i], json_integer(0));
    json_object_set_new(object, "PauseNs", zeros(GO_PAUSES));
    json_object_set_new(object, "PauseEnd", zeros(GO_PAUSES));
    json_object_set_new(object, "BySize", sizes());
    json_object_set_new(object, "EnableGC", json_false());
    json_object_set_new(object, "DebugGC", json_false());
    return object;
}

json_t *process_memstats_estimated(const struct process_memstats *stats)
{
    static const char *const counted[] = {"Alloc", "HeapAlloc", "HeapObjects",
                                          "TotalAlloc"};
    static const char *const mapped[] = {
        "HeapIdle",   "HeapInuse", "HeapReleased", "HeapSys",
        "StackInuse", "StackSys",  "Sys"};
    json_t *names = json_array();

    if ((stats->go.known & PREPROF_KNOWN_HEAP_ALLOC) &&
        !(stats->go.known & PREPROF_KNOWN_EXACT))
        for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
            json_array_append_new(names, json_string(counted[i]));
    if (stats->go.known & PREPROF_KNOWN_HEAP_SYS)
        for (size_t i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
            json_array_append_new(names, json_string(mapped[i]));
    return names;
}
