/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the shared segment, byte by byte.
 *
 * One file per profiled process, mapped shared by the shim, on tmpfs. It is at
 * once the live interface and the dump format: a process that is killed leaves
 * a complete profile behind, and a dump is an ordered copy of the used prefix
 * of this file (every free counter read before any alloc counter).
 *
 * This header is the whole specification and is included by the shim (writer)
 * and by tools (reader). It must never contain a pointer, a function that
 * allocates, or anything that depends on the process that reads it.
 * Read next: shim/extent.h (writer), tools/segment_read.h (reader).
 *
 *   0          4 KiB            64 KiB
 *   +----------+----------------+-----------+-----------+-----------+--
 *   | header   | extent table   | extent 0  | extent 1  | extent 2  | ...
 *   +----------+----------------+-----------+-----------+-----------+--
 *     live words   8 bytes each   64 KiB each, in the order handed out
 *
 * An extent is one piece of one logical array. Its table entry {type, owner,
 * base} says of which: the piece starts at element `base`, and for counters
 * `owner` is the shard. Elements never move and are never freed while the
 * process lives, so everything below can be read at any moment:
 *
 *   node      (parent node, pc): one frame of a stack, root first. Node 0 is
 *             the empty stack. A callsite is a path from its node to node 0,
 *             leaf frame first.
 *   callsite  one distinct stack; its id is its index. Ids below
 *             SEGMENT_SINK_COUNT are sinks without a stack (see below).
 *   counters  one row per (shard, callsite). The value of a callsite is the
 *             sum of its rows over all shards.
 *   peaks     one per row: what was in use there at the peak.
 *   events    one row per (kind of event, callsite), see below.
 *   threads   by which stacks they were created, and what labels they have;
 *             see struct segment_thread.
 *   labels    (labels before it, key = value); see struct segment_label.
 *   moments   a ring of events with their times; struct segment_moment.
 *   module    one mapped object (executable, library, vDSO); a node names the
 *             module its pc was in when it was first seen.
 *   strings   bytes; a module's path is an (offset, length) into them.
 *
 * Rules for the reader. Everything is hostile input: copy a word once,
 * validate, then use. A record is complete when its publishing word is
 * non-zero (marked "published by" below); the counts in the header are upper
 * bounds of what may be there, and an unpublished record below them is skipped.
 * All words are little endian as the writer's byte_order word shows; a reader
 * refuses other orders, another magic, or another version.
 */
#ifndef PREPROF_SEGMENT_H
#define PREPROF_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SEGMENT_MAGIC      "preprof" /* 8 bytes with the NUL */
#define SEGMENT_VERSION    1u        /* raised by every incompatible change */
#define SEGMENT_BYTE_ORDER 0x01020304u

#define SEGMENT_HEADER_SIZE         4096u
#define SEGMENT_EXTENT_TABLE_OFFSET 4096u
#define SEGMENT_EXTENTS_OFFSET      65536u
#define SEGMENT_EXTENT_SIZE         65536u
#define SEGMENT_EXTENTS_MAX         4096u /* 256 MiB */
#define SEGMENT_SHARDS_MAX          256u  /* shard 0 is shared by all threads */
#define SEGMENT_CALLSITES_MAX       (1u << 20)
#define SEGMENT_NODES_MAX           (1u << 20)
#define SEGMENT_MODULES_MAX         (1u << 14)
#define SEGMENT_STRINGS_MAX         (1u << 22)
#define SEGMENT_DEPTH_MAX           1024u /* frames of one stack */
#define SEGMENT_THREADS_MAX         (3u * SEGMENT_THREADS_PER_EXTENT)
#define SEGMENT_LABELS_MAX          4096u
#define SEGMENT_LABEL_KEYS_MAX      16u  /* of one set */
#define SEGMENT_LABEL_TEXT_MAX      248u /* bytes of key and value together */

/* ---- modes ------------------------------------------------------------- */

/*
 * The mode word, from its lowest bit: 2 bits the mode, 46 the mean sampling
 * distance in bytes (0 unless sampling), 16 the number of the process in its
 * line of forks, from 1 on. Whoever changes the mode, from inside or from
 * outside, keeps the number (SEGMENT_MODE_BIRTH): by it a thread that a fork
 * has brought into another process notices that its own word is its parent's.
 * The word gates the recording of allocations only; frees of recorded blocks
 * are always counted.
 */
/* No two share a bit. */
enum segment_mode {
    SEGMENT_MODE_OFF = 0,
    SEGMENT_MODE_SAMPLE = 1,
    SEGMENT_MODE_EXACT = 2,
};
#define SEGMENT_MODE_MASK             3u
#define SEGMENT_MODE_BIRTH_SHIFT      48
#define SEGMENT_MODE_BIRTH            ((uint64_t)0xffff << SEGMENT_MODE_BIRTH_SHIFT)
#define SEGMENT_SAMPLE_SIZE_MAX       (((uint64_t)1 << 46) - 1)
#define SEGMENT_MODE_WORD(mode, size) (((uint64_t)(size) << 2) | (mode))
#define SEGMENT_MODE_OF(word)         ((enum segment_mode)((word)&SEGMENT_MODE_MASK))
#define SEGMENT_SAMPLE_SIZE_OF(word)  (((word) & ~SEGMENT_MODE_BIRTH) >> 2)
#define SEGMENT_SAMPLE_SIZE_DEFAULT   524288u

/* Changes the mode in a header's word, and keeps the process's number. Returns
 * the word that stood there. Threads and processes: any. Async-signal-safe. */
static inline uint64_t segment_mode_exchange(uint64_t *word, uint64_t mode)
{
    uint64_t before = __atomic_load_n(word, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(
        word, &before, (before & SEGMENT_MODE_BIRTH) | mode, true,
        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return before;
}

/* ---- life -------------------------------------------------------------- */

enum segment_state {
    SEGMENT_LIVE = 1,   /* the process runs, or was killed: ask the kernel */
    SEGMENT_EXITED = 2, /* it ended by exit, _exit or quick_exit */
};

/* Whoever first finds the process of a file dead makes the file read-only and
 * sets its time of modification; so much later it may be removed. */
#define SEGMENT_PRUNE_AGE_S 86400u
/* Except this: it exited, and was to leave no profile. */
#define SEGMENT_IS_LEFT_OVER(header)                                           \
    ((header)->state == SEGMENT_EXITED && (header)->output[0] == '\0')

/* Why the shim records nothing, or less than the mode asks for. */
enum segment_status {
    SEGMENT_OK = 0,
    SEGMENT_BYPASSED = 1,  /* another object, see `note`, comes first with its
                              malloc, and has not forwarded a call to us */
    SEGMENT_MIXED = 2,     /* malloc and free come from different objects */
    SEGMENT_SANITIZER = 3, /* a sanitizer or valgrind owns the heap */
};

/* ---- sinks ------------------------------------------------------------- */

/*
 * Ids without a stack: what finds no room is charged here, never dropped, so
 * that in exact mode the sum over all callsites is the truth. Id 0 is "no
 * callsite" and its counter row holds struct segment_calls instead.
 */
enum segment_sink {
    SEGMENT_SINK_NONE = 0,
    SEGMENT_SINK_NESTED = 1,   /* allocated while the shim was recording */
    SEGMENT_SINK_FULL = 2,     /* callsite or node table full, not even root */
    SEGMENT_SINK_NO_STACK = 3, /* the walk found no frame */
    SEGMENT_SINK_NO_ROOM = 4,  /* the segment has no extent left */
    SEGMENT_SINK_BLOCKED = 5,  /* CPU time of a thread that blocks the signal */
    SEGMENT_SINK_FOLDED = 7,   /* no shim writes it: readers that must show
                                  fewer stacks put the smallest here */
    SEGMENT_SINK_COUNT = 8,
};

/* ---- losses ------------------------------------------------------------ */

/* Counted in header.losses[]; X(name, what a user is told). */
#define SEGMENT_LOSSES(X)                                                      \
    X(UNKNOWN_ORIGIN, "frees of blocks that were never recorded")              \
    X(STACK_TRUNCATED, "stacks without their outermost frames")                \
    X(TABLE_FULL, "allocations charged to an outer frame: table full")         \
    X(NO_ROOM, "extents refused: segment or tmpfs full")                       \
    X(OWNER_FULL, "blocks not followed: no memory for the owner map")          \
    X(OWNER_RANGE, "blocks not followed: address out of range or unaligned")   \
    X(OVERWRITTEN, "blocks handed out twice without a free")                   \
    X(SAMPLES_FULL, "samples dropped: too many live samples")                  \
    X(MODULES_FULL, "modules not named: table full")                           \
    X(BEFORE_START, "allocations before the shim could start")                 \
    X(SHARDS_SHARED, "threads that share the common shard")                    \
    X(FRAMES_GUESSED, "frames found by frame pointer, without unwind tables")  \
    X(TIMERS_REFUSED, "CPU timers refused: threads without CPU samples")       \
    X(TICKS_UNWALKED, "CPU samples without a stack: no room to walk")          \
    X(TICKS_DROPPED, "CPU samples dropped: segment full")                      \
    X(EVENTS_DROPPED, "waits and new threads dropped: segment full")           \
    X(THREADS_FULL, "creations or labels of threads not kept: table full")     \
    X(WAITERS_FULL, "waits charged to no holder: too many at once")            \
    X(LABELS_FULL, "labels left out: table full")                              \
    X(LABELS_REFUSED, "labels refused: too long, or one key too many")         \
    X(HEIRS_FULL, "threads without their creator's labels: too many at once")  \
    X(MOMENTS_DROPPED, "events left out of traces: segment full, or too many")

enum segment_loss {
#define SEGMENT_LOSS_ENUM(name, text) SEGMENT_LOSS_##name,
    SEGMENT_LOSSES(SEGMENT_LOSS_ENUM)
#undef SEGMENT_LOSS_ENUM
        SEGMENT_LOSS_COUNT,
};
#define SEGMENT_LOSSES_MAX 32 /* room in the header */

/* ---- records ----------------------------------------------------------- */

/* Counters of one callsite in one shard; each only ever grows. */
struct segment_row {
    uint64_t alloc_objects; /* and above them an epoch, see below */
    uint64_t alloc_space;   /* bytes, usable size */
    uint64_t free_objects;
    uint64_t free_space;
};

/*
 * The peak: header.peak_epoch is the number of the moment with the most bytes
 * in use that was noticed, 0 before the first. The first count in a row after
 * that moment saves what was in use there, alloc less free (below 0 where
 * others' blocks are freed), and then puts the epoch into the row:
 *
 *   row's epoch == peak_epoch   at the peak it had what is in `peaks`
 *   row's epoch <  peak_epoch   not touched since: what it has now
 *
 * A row without room for its peak has 0; the header's sinks are as they are
 * now. The sum over all rows falls short of
 * the highest total that there ever was by less than SEGMENT_PEAK_BOUND; where
 * more is in use now than at the peak, now is the peak.
 *
 * The bound is a step, which lies between any two peaks, and three times what
 * a thread may count before it tells the others (shim/peak.h says why); blocks
 * that other threads were counting at that very moment come on top.
 */
struct segment_peak {
    uint64_t objects;
    uint64_t space;
};
#define SEGMENT_OBJECTS_BITS     51 /* at 30 ns each, two years' */
#define SEGMENT_OBJECTS(word)    ((word) & (UINT64_MAX >> 13))
#define SEGMENT_EPOCH(word)      ((uint32_t)((word) >> SEGMENT_OBJECTS_BITS))
#define SEGMENT_EPOCH_LAST       8191u /* never reached: each is a step higher */
#define SEGMENT_PEAK_STEP(total) ((total) / 256 > 4096 ? (total) / 256 : 4096)
#define SEGMENT_PEAK_DRIFT(total)                                              \
    ((total) / 16384 > 4096 ? (total) / 16384 : 4096)
#define SEGMENT_PEAK_BOUND(total, threads)                                     \
    (SEGMENT_PEAK_STEP(total) + 3 * (threads)*SEGMENT_PEAK_DRIFT(total))

/* Row 0 of each shard. `allocs` and `frees` count calls in sample mode only,
 * but for a thread's frees between the change of mode and its next allocation,
 * which are counted, or not, as before; `unknown_frees` is
 * SEGMENT_LOSS_UNKNOWN_ORIGIN of this shard. */
struct segment_calls {
    uint64_t allocs;
    uint64_t frees;
    uint64_t unknown_frees;
    uint64_t unused;
};

/*
 * What else happens at a callsite, all threads; counts only ever grow. The
 * kind is the `owner` of the extent.
 */
enum segment_event {
    SEGMENT_EVENT_NONE = 0,
    SEGMENT_EVENT_THREAD = 1, /* a thread was created; no delay */
    SEGMENT_EVENT_BLOCK = 2,  /* somebody waited here, so long */
    SEGMENT_EVENT_MUTEX = 3,  /* a lock was given back here, for which others
                                 had waited so long since it was held */
    SEGMENT_EVENT_CPU = 4,    /* a timer ticked here, after so much CPU time */
    SEGMENT_EVENT_COUNT,
};
struct segment_event_row {
    uint64_t count;
    uint64_t delay_ns;
};

/* One frame. Published by pc. */
struct segment_node {
    uint64_t pc;     /* return address; exact pc when SEGMENT_NODE_EXACT_PC */
    uint32_t parent; /* the frame outside this one; 0 = outermost */
    uint16_t module; /* index + 1 of its module; 0 = in none */
    uint16_t flags;
};
enum {
    SEGMENT_NODE_EXACT_PC = 1,  /* interrupted here, not returning here */
    SEGMENT_NODE_GUESSED = 2,   /* found by frame pointer */
    SEGMENT_NODE_TRUNCATED = 4, /* outer frames are missing */
    SEGMENT_NODE_LABELS = 8,    /* no frame: pc is the set of labels that the
                                   stack is under. Outermost, if at all */
};

/* One stack. Published by node. */
struct segment_callsite {
    uint32_t node;  /* leaf */
    uint32_t depth; /* frames: all nodes but that of labels */
};

/*
 * One label: what a thread says it works for (preprof_set_label). Its id is its
 * index; label 0 is none. A set of labels is the path from its last label to
 * label 0, in descending order of the keys by their bytes, so a set has but one
 * id: that of its last label. Published by value_length.
 */
struct segment_label {
    uint32_t parent;     /* the labels with lesser keys: below its own id */
    uint16_t key_length; /* of both none is 0 */
    uint16_t value_length;
    char text[SEGMENT_LABEL_TEXT_MAX]; /* the key, then the value: any bytes */
};

/* The order of keys: below, at or above 0, as strcmp(). */
static inline int segment_key_order(const char *a, size_t a_length,
                                    const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order ? order : (a_length > b_length) - (a_length < b_length);
}

/*
 * By which stack a thread was created, and its labels. The records of a thread
 * id are in SEGMENT_THREAD_PLACES places, from tid % SEGMENT_THREADS_MAX on,
 * around the end; several may name it, as ids come again. What a record says is
 * of a thread when it has its id, and was written no earlier than the thread's
 * start by the kernel (field 22 of /proc/PID/task/TID/stat, which is rounded
 * down): the callsite at created_ns, by the creator; labels when their word
 * says, by the thread itself, and the latest count. `who` is written first.
 */
struct segment_thread {
    uint64_t who;        /* tid, and above it the callsite; 0 free */
    uint64_t created_ns; /* CLOCK_BOOTTIME, when it had been created */
    uint64_t labels;     /* id of its set, 0 none, and above it since when it
                            has labels at all: CLOCK_BOOTTIME in units of
                            SEGMENT_LABELS_MAX ns, rounded up; 0 never */
};
#define SEGMENT_THREAD_PLACES 8u
#define SEGMENT_THREAD_WHO(tid, callsite)                                      \
    ((uint64_t)(tid) | (uint64_t)(callsite) << 32)
#define SEGMENT_THREAD_TID(who)      ((uint32_t)(who))
#define SEGMENT_THREAD_CALLSITE(who) ((uint32_t)((who) >> 32))
#define SEGMENT_THREAD_LABELS_SINCE(ns)                                        \
    (((ns) + SEGMENT_LABELS_MAX - 1) & ~(uint64_t)(SEGMENT_LABELS_MAX - 1))
#define SEGMENT_THREAD_LABELS_NS(labels)                                       \
    ((labels) & ~(uint64_t)(SEGMENT_LABELS_MAX - 1))
#define SEGMENT_THREAD_LABELS_SET(labels)                                      \
    ((uint32_t)((labels) & (SEGMENT_LABELS_MAX - 1)))

/* One mapped object. Published by end. */
struct segment_module {
    uint64_t start;      /* first byte of the whole mapping */
    uint64_t end;        /* one past the last */
    uint64_t bias;       /* address = bias + virtual address in the ELF file */
    uint64_t text_start; /* the executable load segment, page aligned ... */
    uint64_t text_end;
    uint64_t text_offset; /* ... and its offset in the file */
    uint32_t path;        /* offset in strings */
    uint32_t path_length;
    uint8_t build_id[32];
    uint32_t build_id_length; /* 0 = has none */
    uint32_t flags;
};
enum { SEGMENT_MODULE_MAIN = 1, SEGMENT_MODULE_VDSO = 2 };

/* ---- extents ----------------------------------------------------------- */

enum segment_extent_type {
    SEGMENT_EXTENT_NONE = 0,
    SEGMENT_EXTENT_COUNTERS = 1,
    SEGMENT_EXTENT_NODES = 2,
    SEGMENT_EXTENT_CALLSITES = 3,
    SEGMENT_EXTENT_MODULES = 4,
    SEGMENT_EXTENT_STRINGS = 5,
    SEGMENT_EXTENT_EVENTS = 6,
    SEGMENT_EXTENT_PEAKS = 7,
    SEGMENT_EXTENT_LABELS = 8,
    SEGMENT_EXTENT_THREADS = 9,
    SEGMENT_EXTENT_MOMENTS = 10,
};

/* One word, stored whole after the extent is populated: type in bits 0-7,
 * owner in bits 8-31, base (first element) in bits 32-63. */
#define SEGMENT_EXTENT_WORD(type, owner, base)                                 \
    ((uint64_t)(type) | ((uint64_t)(owner) << 8) | ((uint64_t)(base) << 32))
#define SEGMENT_EXTENT_TYPE(word)  ((uint32_t)((word)&0xff))
#define SEGMENT_EXTENT_OWNER(word) ((uint32_t)(((word) >> 8) & 0xffffff))
#define SEGMENT_EXTENT_BASE(word)  ((uint32_t)((word) >> 32))

#define SEGMENT_ROWS_PER_EXTENT                                                \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_row))
#define SEGMENT_PEAKS_PER_EXTENT                                               \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_peak))
#define SEGMENT_EVENTS_PER_EXTENT                                              \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_event_row))
#define SEGMENT_NODES_PER_EXTENT                                               \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_node))
#define SEGMENT_CALLSITES_PER_EXTENT                                           \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_callsite))
#define SEGMENT_LABELS_PER_EXTENT                                              \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_label))
#define SEGMENT_THREADS_PER_EXTENT                                             \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_thread))
/* Modules do not fill their extent: 512 of 96 bytes, the rest unused. */
#define SEGMENT_MODULES_PER_EXTENT 512u

/* ---- a running CPU profile --------------------------------------------- */

/*
 * How a reader has a process profile itself. One reader at a time: it holds an
 * exclusive flock() on the file. It
 *
 *   1. writes hz, then request, a number that is not the last one, and a lease
 *   2. writes ids of threads that shall have a timer to tids, where all are 0
 *   3. sends `signal` to a thread that is running, unless one with a timer
 *      takes the ids anyway; they are 0 again when they are taken
 *   4. renews the lease and goes on with new threads; at the end, lease 0
 *
 * The first thread that ticks after the end of the lease removes all timers.
 */
#define SEGMENT_CPU_TIDS   32u
#define SEGMENT_CPU_HZ_MAX 1000u

struct segment_cpu {
    uint64_t lease_ns; /* CLOCK_MONOTONIC; reader's */
    uint32_t request;  /* reader's */
    uint32_t hz;       /* reader's */
    uint32_t signal;   /* shim's; 0: the program has its own use for all that
                          would do */
    uint32_t timers;   /* shim's: armed now */
    uint64_t ticks;    /* shim's: signals of timers that came */
    uint32_t tids[SEGMENT_CPU_TIDS]; /* reader sets, shim clears */
};

/* ---- a running trace --------------------------------------------------- */

/*
 * While the lease of a trace runs, every event is also a moment: it is written
 * to a ring, and waits are events even where `locks` does not say so. Waits and
 * releases with a delay below short_ns are only counted. The reader is the one
 * of struct segment_cpu, and holds its lock. It keeps its distance to `moments`
 * below the size of the ring, or loses some; so it raises short_ns.
 *
 * Moment n, drawn from `moments`, is in element n % SEGMENT_MOMENTS. The
 * element's state is 0, and then in this order
 *
 *   SEGMENT_MOMENT_WRITING(n)    it is being written
 *   SEGMENT_MOMENT_COMPLETE(n)   it is all there
 *
 * of one n after the other; it never falls. A thread that finds a later one
 * there, or another at work, drops its own. Nobody writes to moment n before
 * `moments` has passed n plus the size of the ring. So a reader that reads the
 * state, then the rest, then `moments`, and finds
 *
 *   state == COMPLETE(n)  and  moments - n <= SEGMENT_MOMENTS
 *
 * has moment n. shim/trace.c says how the writer keeps this.
 */
#define SEGMENT_MOMENTS_PER_EXTENT                                             \
    (SEGMENT_EXTENT_SIZE / (uint32_t)sizeof(struct segment_moment))
#define SEGMENT_MOMENT_EXTENTS 16u
#define SEGMENT_MOMENTS        (SEGMENT_MOMENT_EXTENTS * SEGMENT_MOMENTS_PER_EXTENT)

#define SEGMENT_MOMENT_WRITING(n)  ((n)*2 + 1)
#define SEGMENT_MOMENT_COMPLETE(n) ((n)*2 + 2)

struct segment_moment {
    uint64_t state;
    uint64_t end_ns; /* CLOCK_MONOTONIC */
    uint64_t delay_ns;
    uint32_t callsite;
    uint32_t thread; /* kind of event in bits 0-7, thread id in bits 8-31 */
};
#define SEGMENT_MOMENT_THREAD(event, tid)                                      \
    ((uint32_t)(event) | ((uint32_t)(tid) << 8))
#define SEGMENT_MOMENT_EVENT(thread) ((thread)&0xff)
#define SEGMENT_MOMENT_TID(thread)   ((thread) >> 8)

#define SEGMENT_EVENT_MAY_BE_SHORT(event)                                      \
    ((event) == SEGMENT_EVENT_BLOCK || (event) == SEGMENT_EVENT_MUTEX)

struct segment_trace {
    uint64_t lease_ns; /* CLOCK_MONOTONIC; reader's. 0: no trace; the shim puts
                          0 there when it finds it over */
    uint64_t moments;  /* shim's: how many were begun, ever */
    uint64_t short_ns; /* reader's */
    uint64_t shorts;   /* shim's: how many were too short, ever */
};

/* ---- header ------------------------------------------------------------ */

struct segment_header {
    /* Identity: written before the file gets its name, then constant. */
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint32_t header_size; /* sizeof(struct segment_header) of the writer */
    uint32_t extents_max; /* extents this file has room for */
    uint32_t pid;
    uint32_t uid;
    uint64_t start_time;    /* /proc/PID/stat field 22, in clock ticks */
    uint32_t parent_pid;    /* the segment we were forked from, or 0 */
    uint32_t pid_namespace; /* inode of /proc/PID/ns/pid, or 0: a pid means
                               nothing elsewhere */
    uint64_t parent_start_time;
    uint64_t created_ns;   /* CLOCK_REALTIME */
    char program[64];      /* base name, cut */
    char allocator[64];    /* base name of the object malloc forwards to */
    char version_text[16]; /* of the shim */

    /* Live words, each written by single aligned stores or adds. */
    uint64_t mode;           /* the mode word; also written from outside */
    uint64_t recording_ns;   /* CLOCK_REALTIME of the first recording, 0 none */
    uint32_t modes_used;     /* bit (1 << mode) for every mode that recorded;
                                that of OFF: switched off after recording, so
                                that what is counted has a gap */
    uint32_t status;         /* enum segment_status */
    uint32_t state;          /* enum segment_state */
    uint32_t peak_epoch;     /* see struct segment_peak */
    uint32_t peak_turn;      /* shim/peak.h: peak_epoch, or the next one */
    uint32_t extents_used;   /* upper bounds, see above */
    uint32_t callsites_used; /* first unused id, at least SINK_COUNT */
    uint32_t nodes_used;     /* first unused node, at least 1 */
    uint32_t modules_used;
    uint32_t strings_used;    /* bytes */
    uint32_t shards_used;     /* first shard never owned */
    uint32_t labels_used;     /* first unused label, at least 1 */
    uint64_t inherited_bytes; /* live at fork in the parent's profile, less
                                 what the child has freed of it */
    uint64_t private_bytes;   /* owner map, indexes: memory outside the file */
    uint64_t losses[SEGMENT_LOSSES_MAX];

    /* Sinks when a shard has no row for them: always there, shared. */
    struct segment_row sinks[SEGMENT_SINK_COUNT];

    struct segment_cpu cpu;

    uint64_t locks; /* 1: waits are recorded; 0: not. Also written from
                       outside */
    struct segment_trace trace;

    char note[256];        /* of `status`: the object's path; stays when an
                              object in front turns out to forward */
    char executable[1024]; /* path at start, cut; "" when unknown */
    char output[1024];     /* PREPROF_OUT expanded, "" when not asked for */
};

_Static_assert(sizeof(struct segment_row) == 32, "row layout");
_Static_assert(sizeof(struct segment_calls) == 32, "calls layout");
_Static_assert(sizeof(struct segment_cpu) == 160, "cpu words layout");
_Static_assert(sizeof(struct segment_peak) == 16, "peak layout");
_Static_assert(sizeof(struct segment_event_row) == 16, "event row layout");
_Static_assert(sizeof(struct segment_node) == 16, "node layout");
_Static_assert(sizeof(struct segment_callsite) == 8, "callsite layout");
_Static_assert(sizeof(struct segment_module) == 96, "module layout");
_Static_assert(sizeof(struct segment_label) == 256, "label layout");
_Static_assert(sizeof(struct segment_thread) == 24, "thread layout");
_Static_assert((SEGMENT_LABELS_MAX & (SEGMENT_LABELS_MAX - 1)) == 0,
               "a set's id beside its time");
_Static_assert(sizeof(struct segment_moment) == 32, "moment layout");
_Static_assert(sizeof(struct segment_trace) == 32, "trace words layout");
_Static_assert(sizeof(struct segment_header) <= SEGMENT_HEADER_SIZE,
               "header fits its page");
_Static_assert(SEGMENT_LOSS_COUNT <= SEGMENT_LOSSES_MAX, "losses fit");
_Static_assert(SEGMENT_EXTENT_TABLE_OFFSET + SEGMENT_EXTENTS_MAX * 8 <=
                   SEGMENT_EXTENTS_OFFSET,
               "extent table fits");

#endif
