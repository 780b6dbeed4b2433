/* SPDX-License-Identifier: MIT */
/* life.c - see life.h. */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "callsite.h"
#include "cpu.h"
#include "cpu_signal.h"
#include "event.h"
#include "module.h"
#include "options.h"
#include "os.h"
#include "owner.h"
#include "preprof.h"
#include "program.h"
#include "real.h"
#include "sample.h"
#include "segment_file.h"
#include "shard.h"
#include "text.h"
#include "thread.h"
#include "waiter.h"

/* A finite RLIMIT_AS is the program's: of it the segment, the tables and the
 * owner map take at most these parts. */
#define LIMIT_SEGMENT_PART 8u
#define LIMIT_TABLES_PART  32u
#define LIMIT_OWNERS_PART  8u

_Thread_local struct thread thread_self = {
    .epoch = THREAD_UNBORN,
    .ready = {THREAD_NO_MODE, THREAD_NO_MODE, THREAD_NO_MODE, THREAD_NO_MODE},
    .samples_only = THREAD_NOT_ONLY,
    .exact_used = THREAD_NOT_ONLY,
};

struct life life[1];

/* These outlive a fork, unlike the page of `life`. */
static uint64_t births;
static struct segment_file file;
static uint32_t being_born; /* pid of the process that gives birth, or 0 */
static uint64_t early_allocations; /* hooks that came before all this */

/* What hooks see when there is no segment: mode off for ever. */
static struct segment_header dormant;

void life_lose(enum segment_loss loss, uint64_t count)
{
    __atomic_fetch_add(&life->header->losses[loss], count, __ATOMIC_RELAXED);
}

bool life_is_mine(void)
{
    return life->extents && (uint32_t)os_getpid() == life->header->pid;
}

static void set_status(enum segment_status status, const char *note)
{
    struct segment_header *header = life->header;
    struct text text = text_in(header->note, sizeof(header->note));

    text_string(&text, note);
    __atomic_store_n(&header->status, status, __ATOMIC_SEQ_CST);
}

void life_disable(enum segment_status status, const char *note)
{
    segment_mode_exchange(&life->header->mode, SEGMENT_MODE_OFF);
    set_status(status, note);
}

/* Allocations come here, whoever stands in front. */
static void end_doubt(void)
{
    uint32_t bypassed = SEGMENT_BYPASSED;

    __atomic_compare_exchange_n(&life->header->status, &bypassed, SEGMENT_OK,
                                false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void life_doubt(const char *object)
{
    set_status(SEGMENT_BYPASSED, object);
    if (life_has_recorded())
        end_doubt();
}

int life_end(void)
{
    struct segment_header *header = life->header;
    uint32_t live = SEGMENT_LIVE;
    int err = 0;

    if (!life_is_mine() ||
        !__atomic_compare_exchange_n(&header->state, &live, SEGMENT_EXITED,
                                     false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return 0;
    if (header->output[0])
        err = segment_file_dump(&file, header->output);
    if (!err) /* else it stays where it is: nothing is lost */
        segment_file_unlink(&file);
    return err;
}

/* ---- birth ------------------------------------------------------------- */

/* A fraction of the address space limit, or `otherwise` without one. */
static uint64_t part_of_limit(uint64_t part, uint64_t otherwise)
{
    uint64_t limit = os_limit(RLIMIT_AS);

    return limit == UINT64_MAX || limit / part > otherwise ? otherwise
                                                           : limit / part;
}

/* The largest power of two of ids whose two indexes fit the limit. */
static uint32_t tables_max(void)
{
    uint64_t bytes_per_id = 2 * 2 * sizeof(uint64_t);
    uint64_t room =
        part_of_limit(LIMIT_TABLES_PART, SEGMENT_CALLSITES_MAX * bytes_per_id);
    uint32_t max = SEGMENT_CALLSITES_MAX;

    while (max > SEGMENT_NODES_PER_EXTENT && max * bytes_per_id > room)
        max /= 2;
    return max;
}

/* What sets the mode words of this life apart from its ancestors': never 0, as
 * life.no_mode is. */
static uint64_t birth_bits(void)
{
    uint64_t most = SEGMENT_MODE_BIRTH >> SEGMENT_MODE_BIRTH_SHIFT;

    return (births % most + 1) << SEGMENT_MODE_BIRTH_SHIFT;
}

/* Describes this process in a new header. `parent` is the segment of the
 * process we were forked from, or NULL. */
static void fill_header(struct segment_header *header,
                        const struct segment_header *parent)
{
    struct text text;

    header->created_ns = os_realtime_ns();
    header->mode = options.mode_word | birth_bits();
    header->state = SEGMENT_LIVE;
    header->callsites_used = SEGMENT_SINK_COUNT;
    header->nodes_used = 1;
    header->shards_used = 1;
    header->labels_used = 1;
    header->losses[SEGMENT_LOSS_BEFORE_START] = early_allocations;
    header->cpu.signal = (uint32_t)cpu_signal_taken();

    program_executable(header->executable, sizeof(header->executable));
    text = text_in(header->program, sizeof(header->program));
    text_string(&text, text_base_name(header->executable));
    text = text_in(header->allocator, sizeof(header->allocator));
    if (real.object_path)
        text_string(&text, text_base_name(real.object_path));
    text = text_in(header->version_text, sizeof(header->version_text));
    text_string(&text, PREPROF_VERSION);
    if (options.output[0])
        options_expand_output(header->output, header->pid, header->program);
    if (parent) {
        header->parent_pid = parent->pid;
        header->parent_start_time = parent->start_time;
        header->mode = (parent->mode & ~SEGMENT_MODE_BIRTH) | birth_bits();
        header->status = parent->status;
        memcpy(header->note, parent->note, sizeof(header->note));
        header->inherited_bytes = segment_file_in_use(&file);
    }
}

/* The tables outside the segment. Kept from the parent in a child, where the
 * kernel has wiped them. Returns 0 or -errno. */
static int begin_tables(void)
{
    int err = shard_begin();

    if (!err)
        err = callsite_begin(tables_max());
    if (!err)
        err = sample_begin();
    if (!err)
        err = event_begin();
    if (!err)
        err = waiter_begin();
    if (!err)
        err = module_reset();
    owner_begin(real.allocator == ALLOCATOR_GLIBC && real.size_in_header
                    ? OWNER_DISTANCE_32
                    : OWNER_DISTANCE_8,
                part_of_limit(LIMIT_OWNERS_PART, UINT64_MAX),
                &life->header->private_bytes);
    return err;
}

/* Makes the segment of this process. Returns 0 or -errno. */
static int make_segment_in(const char *directory)
{
    /* One birth at a time: off the stack of whoever allocates first. */
    static struct segment_file made;
    int err = segment_file_create(
        &made, directory,
        part_of_limit(LIMIT_SEGMENT_PART, SEGMENT_FILE_SIZE_MAX));

    if (err)
        return err;
    fill_header(made.header, file.header);
    life->header = made.header;
    life->extents = (char *)made.header + SEGMENT_EXTENTS_OFFSET;
    life->table =
        (uint64_t *)(void *)((char *)made.header + SEGMENT_EXTENT_TABLE_OFFSET);
    err = begin_tables();
    if (!err) { /* not before: locks are looked at without joining */
        made.header->locks = file.header ? file.header->locks : options.locks;
        err = segment_file_publish(&made);
    }
    if (err) {
        life->header = &dormant; /* a lock may be looked at now */
        segment_file_discard(&made);
        return err;
    }
    segment_file_unmap(&file); /* the parent's */
    file = made;
    return 0;
}

static bool make_segment(void)
{
    static char directory[OPTIONS_PATH_MAX];

    if (getauxval(AT_SECURE)) /* a privileged program: do nothing at all */
        return false;
    options_read();
    if (options.only[0] && !program_is_named(options.only))
        return false;
    options_choose_directory(directory);
    if (make_segment_in(directory) == 0)
        return true;
    options_complain("no segment in", directory);
    return false;
}

/* Takes the right to give birth. A process forked in the middle of a birth
 * inherits the mark, which then names its parent. */
static bool begin_birth(void)
{
    uint32_t pid = (uint32_t)os_getpid(), owner = 0;

    while (!__atomic_compare_exchange_n(&being_born, &owner, pid, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        if (owner == pid)
            return false;
    return true;
}

/* So that a fork can be told. */
static bool life_wipes(void)
{
    return births > 0 || os_wipe_on_fork(life, sizeof(life)) == 0;
}

/* Gives birth, unless somebody else is at it. */
static void give_birth(void)
{
    struct segment_header *header;

    if (!begin_birth())
        return;
    real_resolve();
    if (__atomic_load_n(&life->epoch, __ATOMIC_RELAXED) == 0) {
        if (!life_wipes() || !make_segment()) {
            segment_file_unmap(&file);
            dormant.mode = birth_bits();
            life->header = &dormant;
            life->extents = NULL;
        }
        header = life->header;
        __atomic_store_n(&life->used,
                         real.boot_used
                             ? LIFE_USED(header->mode, LIFE_HAS_BOOT_BLOCKS)
                             : LIFE_UNUSED,
                         __ATOMIC_RELAXED);
        /* A child frees what it inherited, maybe before it allocates. */
        if (header->inherited_bytes &&
            SEGMENT_MODE_OF(life_mode()) == SEGMENT_MODE_EXACT)
            life_record(SEGMENT_MODE_EXACT);
        __atomic_store_n(&life->mode_at,
                         (uintptr_t)&header->mode - (uintptr_t)life,
                         __ATOMIC_RELEASE);
        __atomic_store_n(&life->epoch, ++births, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&being_born, 0, __ATOMIC_RELEASE);
}

bool life_join(struct thread *thread)
{
    uint64_t epoch = __atomic_load_n(&life->epoch, __ATOMIC_ACQUIRE);

    if (epoch == 0) {
        if (!real.resolved) /* dlsym is at work on our behalf */
            return false;
        if (!environ) { /* the loader is */
            __atomic_fetch_add(&early_allocations, 1, __ATOMIC_RELAXED);
            return false;
        }
        give_birth();
        epoch = __atomic_load_n(&life->epoch, __ATOMIC_ACQUIRE);
        if (epoch == 0)
            return false;
    }
    if (thread->epoch == THREAD_WATCHED) {
        thread->epoch = epoch;
        return false;
    }
    if (thread->epoch != epoch) {
        thread->shard = shard_common();
        thread->young = SHARD_AFTER;
        thread->busy = 0;
        thread_unready(thread);
        thread->calls = NULL; /* the parent's row may be unmapped */
        thread->drawn = THREAD_NO_MODE;
        thread->random = 0;
        thread->labels = 0;
        thread->place = NULL;
        thread->epoch = epoch;
        /* Its first hook: the earliest that we know of a thread. */
        cpu_thread_begin();
    }
    return true;
}

/* ---- the first recording ----------------------------------------------- */

bool life_make_room(void)
{
    if (os_populate(life->table,
                    SEGMENT_EXTENTS_OFFSET - SEGMENT_EXTENT_TABLE_OFFSET) == 0)
        return true;
    life_lose(SEGMENT_LOSS_NO_ROOM, 1);
    return false;
}

bool life_record(enum segment_mode mode)
{
    struct segment_header *header = life->header;
    int64_t used = __atomic_load_n(&life->used, __ATOMIC_RELAXED);
    uint32_t bit = 1u << mode, idle = 0;

    if (!life->extents ||
        (header->status != SEGMENT_OK && header->status != SEGMENT_BYPASSED))
        return false;
    /* The first recording needs the extent table; populating it twice is
     * harmless, so racing threads need not wait for each other. */
    if (!life_has_recorded()) {
        if (!life_make_room())
            return false;
        if (__atomic_compare_exchange_n(&life->recording, &idle, 1, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            __atomic_store_n(&header->recording_ns, os_realtime_ns(),
                             __ATOMIC_RELAXED);
    }
    __atomic_fetch_or(&header->modes_used, bit, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(
        &life->used, &used,
        (used < 0 ? LIFE_USED(header->mode, 0) : used) | (int)mode, false,
        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
    }
    end_doubt();
    return true;
}
