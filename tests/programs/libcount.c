/* SPDX-License-Identifier: MIT */
/*
 * libcount.c - an independent account of what a program allocates.
 *
 * A preload that forwards to the next allocator and counts calls and bytes in
 * all and by immediate caller, to compare the shim with. It must share nothing
 * with shim/: no file, no method. Where the shim walks stacks and keeps
 * counters per thread, this keeps every live block in a hash table under spin
 * locks (live_table.h).
 *
 * The conventions are the same: sizes are malloc_usable_size(), realloc is a
 * free and an allocation when it succeeds, failed calls and free(NULL) are
 * nothing, an operator new that calls malloc counts once (at malloc). A free
 * of a block not in the table (allocated before a fork) is `unknown`.
 *
 * At exit, quick_exit and _exit the numbers go to the file $COUNT_OUT.PID, an
 * absolute path: "key value" lines, then "caller BASENAME+0xOFFSET allocs
 * alloc_bytes frees free_bytes". All state is in pages that a forked child gets
 * zeroed, so a child counts from nothing; a vfork child counts for its parent.
 * Read next: tests/preload/programs.t.
 *
 * FLAGS: -ftls-model=initial-exec
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caller_table.h"
#include "live_table.h"

#define BOOT_MAX 16384u

/* Zeroed in a forked child by the kernel. */
struct state {
    uint32_t pid;
    uint32_t written;
    struct counts total;
    uint64_t requested_bytes, unknown_frees, unknown_free_bytes, lost;
    struct caller_table callers;
    struct live_table blocks;
};

static struct state *state;
static char output[4000];

/* The block this thread counted last: when the next function did it inside, by
 * way of our own malloc, its caller must not do it again. And the block it is
 * freeing, which an inner free must not count again. */
static _Thread_local const void *counted;
static _Thread_local const void *freeing;
static _Thread_local volatile bool resolving;

#define ADD(word, amount)                                                      \
    ((void)__atomic_fetch_add(&(word), (amount), __ATOMIC_RELAXED))

/* ---- the next allocator ------------------------------------------------ */

static struct {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*malloc_usable_size)(void *);
    void (*_exit)(int);
} next;

/* What dlsym allocates, for its messages about missing names. */
static _Alignas(16) char boot[BOOT_MAX];
static size_t boot_used;

static void *boot_alloc(size_t size)
{
    size_t start = boot_used;

    boot_used += (size + 31) & ~(size_t)15;
    if (boot_used > BOOT_MAX)
        abort();
    memcpy(boot + start, &size, sizeof(size));
    return boot + start + 16;
}

static bool is_boot(const void *block)
{
    return (uintptr_t)block - (uintptr_t)boot < BOOT_MAX;
}

static void *find_next(const char *name)
{
    bool outer = resolving;
    void *found;

    resolving = true;
    __asm__ volatile("" ::: "memory"); /* dlsym is a leaf to the compiler */
    found = dlsym(RTLD_NEXT, name);
    __asm__ volatile("" ::: "memory");
    resolving = outer;
    return found;
}

static void begin(void)
{
    int saved = errno;
    const char *wanted = getenv("COUNT_OUT");
    void *pages;

    if (state)
        return;
#define FIND(name) next.name = (__typeof__(next.name))find_next(#name)
    FIND(free);
    FIND(calloc);
    FIND(realloc);
    FIND(reallocarray);
    FIND(posix_memalign);
    FIND(aligned_alloc);
    FIND(memalign);
    FIND(valloc);
    FIND(pvalloc);
    FIND(malloc_usable_size);
    FIND(_exit);
    FIND(malloc);
#undef FIND
    pages = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED ||
        madvise(pages, sizeof(*state), MADV_WIPEONFORK) != 0)
        abort();
    state = pages;
    if (wanted)
        snprintf(output, sizeof(output), "%s", wanted);
    errno = saved;
}

/* ---- counting ---------------------------------------------------------- */

static void enter(const struct live *live)
{
    if (!live_insert(&state->blocks, live))
        ADD(state->lost, 1);
}

static void count_alloc(void *block, size_t requested, void *pc)
{
    struct live live = {
        .block = (uintptr_t)block,
        .caller = caller_of(&state->callers, (uintptr_t)pc),
    };
    struct counts *counts = &state->callers.callers[live.caller].counts;
    size_t size = next.malloc_usable_size(block);

    if (!state->pid)
        state->pid = (uint32_t)getpid();
    ADD(state->requested_bytes, requested);
    ADD(state->total.allocs, 1);
    ADD(state->total.alloc_bytes, size);
    ADD(counts->allocs, 1);
    ADD(counts->alloc_bytes, size);
    enter(&live);
    counted = block;
}

/* A block that is about to be freed: out of the table, not yet counted. */
struct taken {
    struct live live;
    size_t size;
};

static struct taken take(void *block)
{
    struct taken taken;

    taken.size = next.malloc_usable_size(block);
    taken.live = live_remove(&state->blocks, (uintptr_t)block);
    return taken;
}

static void count_free(const struct taken *taken)
{
    if (!state->pid)
        state->pid = (uint32_t)getpid();
    if (taken->live.block) {
        struct counts *counts =
            &state->callers.callers[taken->live.caller].counts;

        ADD(state->total.frees, 1);
        ADD(state->total.free_bytes, taken->size);
        ADD(counts->frees, 1);
        ADD(counts->free_bytes, taken->size);
    } else {
        ADD(state->unknown_frees, 1);
        ADD(state->unknown_free_bytes, taken->size);
    }
}

/* ---- malloc and its family --------------------------------------------- */

#define COUNTED(declaration, call, requested, otherwise)                       \
    declaration                                                                \
    {                                                                          \
        void *block;                                                           \
                                                                               \
        if (resolving)                                                         \
            return otherwise;                                                  \
        begin();                                                               \
        counted = NULL;                                                        \
        block = next.call;                                                     \
        if (block && counted != block)                                         \
            count_alloc(block, requested, __builtin_return_address(0));        \
        return block;                                                          \
    }

COUNTED(void *malloc(size_t size), malloc(size), size, boot_alloc(size))
COUNTED(void *calloc(size_t count, size_t size), calloc(count, size),
        count *size, boot_alloc(count *size))
COUNTED(void *aligned_alloc(size_t alignment, size_t size),
        aligned_alloc(alignment, size), size, NULL)
COUNTED(void *memalign(size_t alignment, size_t size),
        memalign(alignment, size), size, NULL)
COUNTED(void *valloc(size_t size), valloc(size), size, NULL)
COUNTED(void *pvalloc(size_t size), pvalloc(size), size, NULL)

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int err;

    begin();
    counted = NULL;
    err = next.posix_memalign(block, alignment, size);
    if (err == 0 && counted != *block)
        count_alloc(*block, size, __builtin_return_address(0));
    return err;
}

/* The block is out of the table before another thread can get its address. */
static void *resize(void *old, size_t size, void *pc)
{
    const void *outer = freeing;
    struct taken taken;
    void *block;

    begin();
    counted = NULL;
    if (!old || is_boot(old)) {
        block = next.malloc(size);
        if (block && old)
            memcpy(block, old, size);
    } else {
        taken = take(old);
        freeing = old;
        block = next.realloc(old, size);
        freeing = outer;
        if (!block && size != 0)
            enter(&taken.live);
        else
            count_free(&taken);
    }
    if (block && counted != block)
        count_alloc(block, size, pc);
    return block;
}

void *realloc(void *old, size_t size)
{
    return resize(old, size, __builtin_return_address(0));
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(old, bytes, __builtin_return_address(0));
}

/* True for the one that counts; it clears `freeing` afterwards. */
static bool begin_free(void *block)
{
    struct taken taken;

    begin();
    if (!block || block == freeing)
        return false;
    taken = take(block);
    count_free(&taken);
    freeing = block;
    return true;
}

void free(void *block)
{
    bool outermost;

    if (is_boot(block))
        return;
    outermost = begin_free(block);
    next.free(block);
    if (outermost)
        freeing = NULL;
}

size_t malloc_usable_size(void *block)
{
    begin();
    return is_boot(block) ? *(size_t *)((char *)block - 16)
                          : next.malloc_usable_size(block);
}

/* ---- operator new and delete ------------------------------------------- */

/* Without a C++ library behind us. */
static void *new_by_malloc(size_t size)
{
    return malloc(size);
}

#define NEW(name, parameters, arguments)                                       \
    void *name parameters;                                                     \
    void *name parameters                                                      \
    {                                                                          \
        static void *(*next_new)parameters;                                    \
        void *block;                                                           \
                                                                               \
        begin();                                                               \
        if (!next_new)                                                         \
            next_new = (void *(*)parameters)find_next(#name);                  \
        counted = NULL;                                                        \
        block = next_new ? next_new arguments : new_by_malloc(size);           \
        if (block && counted != block)                                         \
            count_alloc(block, size, __builtin_return_address(0));             \
        return block;                                                          \
    }

NEW(_Znwm, (size_t size), (size))
NEW(_Znam, (size_t size), (size))
NEW(_ZnwmRKSt9nothrow_t, (size_t size, void *tag), (size, tag))
NEW(_ZnamRKSt9nothrow_t, (size_t size, void *tag), (size, tag))
NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align))
NEW(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, void *tag),
    (size, align, tag))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, void *tag),
    (size, align, tag))

#define DELETE(name, parameters, arguments)                                    \
    void name parameters;                                                      \
    void name parameters                                                       \
    {                                                                          \
        static void(*next_delete) parameters;                                  \
        bool outermost;                                                        \
                                                                               \
        if (!next_delete)                                                      \
            next_delete = (void(*) parameters)find_next(#name);                \
        outermost = begin_free(block);                                         \
        if (next_delete)                                                       \
            next_delete arguments;                                             \
        else                                                                   \
            next.free(block);                                                  \
        if (outermost)                                                         \
            freeing = NULL;                                                    \
    }

DELETE(_ZdlPv, (void *block), (block))
DELETE(_ZdaPv, (void *block), (block))
DELETE(_ZdlPvm, (void *block, size_t size), (block, size))
DELETE(_ZdaPvm, (void *block, size_t size), (block, size))
DELETE(_ZdlPvRKSt9nothrow_t, (void *block, void *tag), (block, tag))
DELETE(_ZdaPvRKSt9nothrow_t, (void *block, void *tag), (block, tag))
DELETE(_ZdlPvSt11align_val_t, (void *block, size_t align), (block, align))
DELETE(_ZdaPvSt11align_val_t, (void *block, size_t align), (block, align))
DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t align),
       (block, size, align))
DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t align),
       (block, size, align))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t,
       (void *block, size_t align, void *tag), (block, align, tag))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t,
       (void *block, size_t align, void *tag), (block, align, tag))

/* ---- the end ----------------------------------------------------------- */

static int file = -1;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < 0 || write(file, line, (size_t)length) != length)
        abort();
}

static void say_totals(void)
{
    say("pid %u\nallocs %" PRIu64 "\nalloc_bytes %" PRIu64 "\nfrees %" PRIu64
        "\nfree_bytes %" PRIu64 "\n",
        state->pid, state->total.allocs, state->total.alloc_bytes,
        state->total.frees, state->total.free_bytes);
    say("requested_bytes %" PRIu64 "\nunknown_frees %" PRIu64
        "\nunknown_free_bytes %" PRIu64 "\nlost %" PRIu64 "\n",
        state->requested_bytes, state->unknown_frees, state->unknown_free_bytes,
        state->lost);
}

static void say_callers(void)
{
    for (uint32_t i = 0; i < CALLERS_MAX; i++) {
        const struct caller *caller = &state->callers.callers[i];

        if (caller->counts.allocs)
            say("caller %s+0x%" PRIxPTR " %" PRIu64 " %" PRIu64 " %" PRIu64
                " %" PRIu64 "\n",
                *caller->name ? caller->name : "?", caller->pc - caller->bias,
                caller->counts.allocs, caller->counts.alloc_bytes,
                caller->counts.frees, caller->counts.free_bytes);
    }
}

/* Once in each process; not in a vfork child, whose memory is its parent's. */
static void finish(void)
{
    int saved = errno;
    char path[4096];

    begin();
    if (!*output || (state->pid && state->pid != (uint32_t)getpid()) ||
        __atomic_exchange_n(&state->written, 1, __ATOMIC_RELAXED))
        return;
    state->pid = (uint32_t)getpid();
    snprintf(path, sizeof(path), "%s.%u", output, state->pid);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    say_totals();
    say_callers();
    close(file);
    errno = saved;
}

int __cxa_atexit(void (*function)(void *), void *argument, void *object);

static void finish_at_exit(void *unused)
{
    (void)unused;
    finish();
}

/* Registered before libc registers the loader's handler, and so run after the
 * destructors of all objects. */
__attribute__((constructor)) static void start(void)
{
    begin();
    __cxa_atexit(finish_at_exit, NULL, NULL);
    at_quick_exit(finish);
}

_Noreturn void _exit(int status)
{
    finish();
    next._exit(status);
    for (;;)
        syscall(SYS_exit_group, status);
}

_Noreturn void _Exit(int status)
{
    _exit(status);
}
