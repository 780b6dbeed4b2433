/* SPDX-License-Identifier: MIT */
/*
 * libtraces.c - a preload that compares stacks: ours against libunwind's.
 *
 * At random mallocs of any program the stack is walked by rules, with all
 * registers, and through spine and memo, each time against unw_step(). Where
 * code without unwind tables begins both guess, and no more is compared. Never
 * part of the shipped shim. libunwind is opened, not linked: it exports
 * _Unwind_* and would take over the program's exceptions. From the environment:
 *
 *   TRACES_OUT    the file that gets a line per process, and each mismatch
 *   TRACES_EVERY  one of how many mallocs, on average (8)
 *   TRACES_MAX    stacks of a process at most (no limit)
 */
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <fcntl.h>
#include <libunwind.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memo.h"
#include "path.h"
#include "rules.h"
#include "spine.h"
#include "walk.h"
#include "walk_escape.h"

#define FRAMES_MAX SEGMENT_DEPTH_MAX
#define EXPORT_    __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

struct thread_traces {
    struct memo memo;
    struct spine spine;
    unsigned long long loads;
    uint64_t random;
    size_t right_frames;
    uintptr_t right[FRAMES_MAX], ours[FRAMES_MAX];
};

static _Thread_local
    __attribute__((tls_model("initial-exec"))) struct thread_traces *traces;
static _Thread_local __attribute__((tls_model("initial-exec"))) bool busy;

#define NAME(symbol)  NAME_(symbol)
#define NAME_(symbol) #symbol
#define UNW_LIBRARY   "libunwind.so.8"

static __typeof__(unw_tdep_getcontext) *get_context;
static __typeof__(unw_init_local) *init_local;
static __typeof__(unw_get_reg) *get_reg;
static __typeof__(unw_step) *step;

static int out = -1;
static unsigned long every = 8, stacks_max = ~0ul;
static unsigned long stacks, whole, guessed, cut, refused, recalled, joined;
static unsigned long wrong;
static unsigned long long forgotten_loads;

static void say(const char *format, ...)
{
    char line[512];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (length > 0 && out >= 0 && write(out, line, (size_t)length) < 0)
        abort();
}

static void count(unsigned long *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* ---- what is right ----------------------------------------------------- */

static bool unwind_right(const struct walk_start *start)
{
    unw_context_t context;
    unw_cursor_t cursor;
    unw_word_t pc = 0, sp = 0;

    traces->right_frames = 0;
    get_context(&context);
    if (init_local(&cursor, &context) != 0)
        return false;
    do {
        get_reg(&cursor, UNW_REG_IP, &pc);
        get_reg(&cursor, UNW_REG_SP, &sp);
        if (traces->right_frames == 0 && (pc != start->pc || sp != start->sp))
            continue;
        if (pc == 0)
            break;
        traces->right[traces->right_frames++] = pc;
    } while (traces->right_frames < FRAMES_MAX && step(&cursor) > 0);
    return traces->right_frames > 0;
}

static int note_loads(struct dl_phdr_info *info, size_t size, void *loads)
{
    (void)size;
    *(unsigned long long *)loads = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

/* What module.c does with less: whatever was loaded or unloaded, all that is
 * remembered is forgotten. */
static void forget_replaced_code(void)
{
    unsigned long long loads = 0;

    dl_iterate_phdr(note_loads, &loads);
    if (loads != __atomic_load_n(&forgotten_loads, __ATOMIC_RELAXED)) {
        __atomic_store_n(&forgotten_loads, loads, __ATOMIC_RELAXED);
        walk_forget(0, RULES_PC_MAX);
    }
    if (loads != traces->loads) {
        memo_clear(&traces->memo);
        traces->spine.count = 0;
        traces->loads = loads;
    }
}

/* ---- comparing --------------------------------------------------------- */

/* The first frame that is a guess, or where a walk ended before its time
 * because it refused to guess. */
static size_t certain_frames(const uintptr_t *frames, size_t count,
                             unsigned flags)
{
    for (size_t i = 0; i < count; i++)
        if (frames[i] & WALK_FRAME_GUESSED)
            return i;
    return flags & WALK_TRUNCATED ? count : SIZE_MAX;
}

static void report(const char *what, const uintptr_t *frames, size_t ours)
{
    size_t right = traces->right_frames, i;

    count(&wrong);
    if (wrong > 20)
        return;
    for (i = 0;
         i < ours && i < right && WALK_FRAME_PC(frames[i]) == traces->right[i];
         i++)
        ;
    say("mismatch: %s: frame %zu of %zu, %zu are right: 0x%lx, not 0x%lx, "
        "inside 0x%lx\n",
        what, i, ours, right,
        i < ours ? (unsigned long)WALK_FRAME_PC(frames[i]) : 0,
        i < right ? (unsigned long)traces->right[i] : 0,
        i > 0 ? (unsigned long)traces->right[i - 1] : 0);
}

static void compare(const char *what, const uintptr_t *frames, size_t ours,
                    unsigned flags)
{
    size_t right = traces->right_frames;
    size_t certain = certain_frames(frames, ours, flags);

    if (certain == SIZE_MAX) {
        if (ours != right)
            report(what, frames, ours);
        certain = ours;
    }
    for (size_t i = 0; i < certain; i++)
        if (i >= right || WALK_FRAME_PC(frames[i]) != traces->right[i]) {
            report(what, frames, ours);
            return;
        }
}

/* Through memo and spine, as callsite.c does it; the callsite is the path. */
static void compare_traced(const struct walk_start *start,
                           const uintptr_t *frames, size_t ours, unsigned flags)
{
    uint64_t path = path_start(0, flags & WALK_TRUNCATED), missed = 0;
    const struct memo_entry *known =
        memo_find(&traces->memo, start, 0, &missed);
    uint32_t callsite;

    for (size_t i = ours; i-- > 0;)
        path = path_step(path, frames[i]);
    callsite = (uint32_t)path | 1;
    if (known) {
        count(&recalled);
        if (known->callsite != callsite)
            report("memo", frames, ours);
    }
    if (!spine_walk(&traces->spine, start, 0)) {
        count(&refused);
        return;
    }
    count(&joined);
    if (spine_path(&traces->spine) != path)
        report("spine", frames, ours);
    else if (!known)
        memo_learn(&traces->memo, missed, &traces->spine, 0, callsite, NULL);
}

static __attribute__((noinline)) void
compare_all(const struct walk_start *start)
{
    unsigned flags;
    size_t ours;

    forget_replaced_code();
    if (!unwind_right(start))
        return;
    count(&stacks);
    ours = walk_escape(start, traces->ours, FRAMES_MAX, &flags);
    compare("all registers", traces->ours, ours, flags);
    ours = walk_capture(start, traces->ours, FRAMES_MAX, &flags);
    compare("rules", traces->ours, ours, flags);
    count(flags & WALK_TRUNCATED ? &cut : flags ? &guessed : &whole);
    compare_traced(start, traces->ours, ours, flags);
}

static bool is_chosen(void)
{
    if (!traces) {
        struct thread_traces *made =
            mmap(NULL, sizeof(*traces), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (made == MAP_FAILED)
            return false;
        made->random = (uintptr_t)made | 1;
        traces = made;
    }
    traces->random = traces->random * 6364136223846793005u + 1;
    return (traces->random >> 33) % every == 0 &&
           __atomic_load_n(&stacks, __ATOMIC_RELAXED) < stacks_max;
}

static inline __attribute__((always_inline)) void
look(const struct walk_start *start)
{
    if (out < 0 || busy)
        return;
    busy = true;
    if (is_chosen())
        compare_all(start);
    busy = false;
}

/* ---- the preload ------------------------------------------------------- */

EXPORT_ void *malloc(size_t size)
{
    const struct walk_start start = WALK_START_HERE();

    look(&start);
    return __libc_malloc(size);
}

EXPORT_ void *calloc(size_t number, size_t size)
{
    const struct walk_start start = WALK_START_HERE();

    look(&start);
    return __libc_calloc(number, size);
}

EXPORT_ void *realloc(void *block, size_t size)
{
    const struct walk_start start = WALK_START_HERE();

    look(&start);
    return __libc_realloc(block, size);
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void open_libunwind(void)
{
    void *library = dlopen(UNW_LIBRARY, RTLD_LOCAL | RTLD_NOW);

    if (!library)
        abort();
    get_context = dlsym(library, NAME(unw_tdep_getcontext));
    init_local = dlsym(library, NAME(unw_init_local));
    get_reg = dlsym(library, NAME(unw_get_reg));
    step = dlsym(library, NAME(unw_step));
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TRACES_OUT");

    open_libunwind();
    every = number_of("TRACES_EVERY", every);
    stacks_max = number_of("TRACES_MAX", stacks_max);
    if (path)
        out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    /* Out of the way of programs that close what they do not know. */
    if (out >= 0)
        out = fcntl(out, F_DUPFD_CLOEXEC, 900);
}

__attribute__((destructor)) static void end(void)
{
    say("stacks %lu whole %lu guessed %lu cut %lu spine %lu memo %lu wrong %lu\n",
        stacks, whole, guessed, cut, joined, recalled, wrong);
    out = -1;
}
