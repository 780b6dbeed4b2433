/* SPDX-License-Identifier: MIT */
/* real.c - see real.h. */
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "os.h"
#include "text.h"

/* ---- before the lookup ------------------------------------------------- */

/* Set while dlsym runs. Volatile, and fenced where it is used: dlsym is
 * declared a leaf, so GCC deletes a plain store before it (hazards A2). */
static volatile bool resolving;

/* Whether a block of boot.h's, or NULL in *block, is what there is for now. A
 * thread that comes when the lookup has just ended has the real allocator. */
static bool boot_serves(size_t alignment, size_t size, void **block)
{
    if (!resolving)
        return false;
    *block = boot_alloc(alignment, size);
    return *block || !boot_is_closed();
}

#define FIRST(name, parameters, arguments, alignment, size)                    \
    static void *first_##name parameters                                       \
    {                                                                          \
        void *block;                                                           \
                                                                               \
        if (boot_serves(alignment, size, &block))                              \
            return block;                                                      \
        real_resolve();                                                        \
        return real.name arguments;                                            \
    }

FIRST(malloc, (size_t size), (size), 1, size)
FIRST(memalign, (size_t alignment, size_t size), (alignment, size), alignment,
      size)
FIRST(aligned_alloc, (size_t alignment, size_t size), (alignment, size),
      alignment, size)
FIRST(valloc, (size_t size), (size), OS_PAGE_SIZE, size)
FIRST(pvalloc, (size_t size), (size), OS_PAGE_SIZE, size)

static void first_free(void *block)
{
    /* A block that is not boot.h's can only be another allocator's: it was
     * allocated before us, so resolve and hand it on. */
    if (resolving)
        return;
    real_resolve();
    real.free(block);
}

static void *first_calloc(size_t count, size_t size)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX;
    if (boot_serves(1, bytes, &block))
        return block;
    real_resolve();
    return real.calloc(count, size);
}

static void *first_realloc(void *old, size_t size)
{
    void *block = NULL;

    if (old ? resolving : boot_serves(1, size, &block))
        return block;
    real_resolve();
    return real.realloc(old, size);
}

static int first_posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made;

    if (boot_serves(alignment, size, &made)) {
        if (made)
            *block = made;
        return made ? 0 : ENOMEM;
    }
    real_resolve();
    return real.posix_memalign(block, alignment, size);
}

static size_t first_usable_size(void *block)
{
    if (resolving) /* not boot.h's: of an allocator that we do not know yet */
        return 0;
    real_resolve();
    return real.malloc_usable_size(block);
}

struct real real = {
    .malloc = first_malloc,
    .free = first_free,
    .calloc = first_calloc,
    .realloc = first_realloc,
    .posix_memalign = first_posix_memalign,
    .aligned_alloc = first_aligned_alloc,
    .memalign = first_memalign,
    .valloc = first_valloc,
    .pvalloc = first_pvalloc,
    .malloc_usable_size = first_usable_size,
};

/* ---- the lookup -------------------------------------------------------- */

/* libc.so.6 is our only DT_NEEDED and comes behind us in every search, so all
 * are always found. */
static const struct {
    const char *name;
    size_t offset;
} functions[] = {
/* clang-format off */
#define FUNCTION(name) {#name, offsetof(struct real, name)}
    /* clang-format on */
    FUNCTION(malloc),         FUNCTION(free),
    FUNCTION(calloc),         FUNCTION(realloc),
    FUNCTION(posix_memalign), FUNCTION(aligned_alloc),
    FUNCTION(memalign),       FUNCTION(valloc),
    FUNCTION(pvalloc),        FUNCTION(malloc_usable_size),
#undef FUNCTION
};

void *real_find(void *handle, const char *name)
{
    bool outer = resolving;
    void *found;

    resolving = true;
    COMPILER_BARRIER();
    found = dlsym(handle, name);
    COMPILER_BARRIER();
    resolving = outer;
    return found;
}

const void *real_object_of(const void *address, const char **path)
{
    Dl_info info;

    if (!dladdr(address, &info))
        return NULL;
    if (path)
        *path = info.dli_fname;
    return info.dli_fbase;
}

static enum allocator allocator_of(const char *path)
{
    const char *base = text_base_name(path);

    if (strcmp(base, "libc.so.6") == 0)
        return ALLOCATOR_GLIBC;
    if (strstr(base, "jemalloc"))
        return ALLOCATOR_JEMALLOC;
    if (strstr(base, "tcmalloc"))
        return ALLOCATOR_TCMALLOC;
    if (strstr(base, "mimalloc"))
        return ALLOCATOR_MIMALLOC;
    return ALLOCATOR_OTHER;
}

/* Whether the size word in front of a block tells malloc_usable_size() on this
 * glibc (tunables and memory tagging can change that). Blocks from mmap are
 * recognised by their flag and always asked for. The sizes are beyond tcache
 * and fast bins, so that each goes back to where it was cut off: the program
 * finds its heap as it would without us. */
static bool header_tells_size(void)
{
    static const size_t sizes[] = {1104, 1105, 5003, 20011};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *block = real.malloc(sizes[i]);
        size_t word, usable;

        if (!block)
            return false;
        word = ((const size_t *)block)[-1];
        usable = real.malloc_usable_size(block);
        real.free(block);
        if ((word & REAL_CHUNK_MMAPPED) ||
            (word & ~(size_t)REAL_CHUNK_FLAGS) - sizeof(size_t) != usable)
            return false;
    }
    return true;
}

/* The init functions of the sanitizers' runtimes: NULL where the loader found
 * none. */
__attribute__((weak)) void __asan_init(void);
__attribute__((weak)) void __tsan_init(void);
__attribute__((weak)) void __msan_init(void);
__attribute__((weak)) void __hwasan_init(void);

/* Whether valgrind runs us with a tool that replaces malloc: those preload
 * vgpreload_TOOL; the core alone is harmless. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    for (const char *p = preload; p && (p = strstr(p, "vgpreload_")); p++)
        if (strncmp(p, "vgpreload_core", 14) != 0)
            return true;
    return false;
}

/* A sanitizer's runtime in this process, or valgrind around it, or NULL. */
static const char *find_heap_tool(void)
{
    return __asan_init        ? "__asan_init"
           : __tsan_init      ? "__tsan_init"
           : __msan_init      ? "__msan_init"
           : __hwasan_init    ? "__hwasan_init"
           : under_valgrind() ? "valgrind"
                              : NULL;
}

/* tcmalloc's first malloc_usable_size() allocates by operator new, which from
 * a hook would ask for that block's size in turn, and so on without end. */
static void prime(void)
{
    void *block = real.malloc(1);

    if (block)
        real.malloc_usable_size(block);
    real.free(block);
}

/* An allocator without the two old names leaves them to libc, whose blocks it
 * could neither measure nor free: its memalign serves them. */
static void *memalign_page(size_t size)
{
    return real.memalign(OS_PAGE_SIZE, size);
}

static void *memalign_pages(size_t size)
{
    if (size > SIZE_MAX - (OS_PAGE_SIZE - 1)) {
        errno = ENOMEM;
        return NULL;
    }
    return real.memalign(OS_PAGE_SIZE, (size + OS_PAGE_SIZE - 1) &
                                           ~(size_t)(OS_PAGE_SIZE - 1));
}

void real_resolve(void)
{
    struct real found = {.boot_used = true}; /* until it is known */

    if (real.resolved || resolving)
        return;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = real_find(RTLD_NEXT, functions[i].name);

        memcpy((char *)&found + functions[i].offset, &function,
               sizeof(function));
    }
    found.heap_tool = find_heap_tool();
    found.object =
        real_object_of((const void *)found.malloc, &found.object_path);
    found.mixed =
        real_object_of((const void *)found.free, NULL) != found.object ||
        real_object_of((const void *)found.realloc, NULL) != found.object ||
        real_object_of((const void *)found.calloc, NULL) != found.object ||
        real_object_of((const void *)found.memalign, NULL) != found.object ||
        real_object_of((const void *)found.aligned_alloc, NULL) !=
            found.object ||
        real_object_of((const void *)found.posix_memalign, NULL) !=
            found.object;
    if (real_object_of((const void *)found.valloc, NULL) != found.object)
        found.valloc = memalign_page;
    if (real_object_of((const void *)found.pvalloc, NULL) != found.object)
        found.pvalloc = memalign_pages;
    if (found.object_path)
        found.allocator = allocator_of(found.object_path);
    /* Usable from here on, but not resolved: an allocator may build malloc on
     * another function by way of the symbol, and come back to us. */
    real = found;
    if (real.allocator != ALLOCATOR_GLIBC)
        prime();
    else if (!real.heap_tool) /* they watch who reads in front of a block */
        real.size_in_header = header_tells_size();
    real.boot_used = boot_close();
    real.resolved = true;
}

/* ---- the allocator's own statistics ------------------------------------ */

static bool heap_read_jemalloc(struct real_heap *heap)
{
    int (*mallctl)(const char *, void *, size_t *, void *, size_t) =
        (int (*)(const char *, void *, size_t *, void *, size_t))real_find(
            RTLD_NEXT, "mallctl");
    uint64_t epoch = 1;
    size_t size = sizeof(size_t);

    if (!mallctl)
        return false;
    mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    return mallctl("stats.mapped", &heap->system, &size, NULL, 0) == 0 &&
           mallctl("stats.allocated", &heap->in_use, &size, NULL, 0) == 0;
}

static bool heap_read_tcmalloc(struct real_heap *heap)
{
    int (*get)(const char *, size_t *) =
        (int (*)(const char *, size_t *))real_find(
            RTLD_NEXT, "MallocExtension_GetNumericProperty");

    return get && get("generic.heap_size", &heap->system) &&
           get("generic.current_allocated_bytes", &heap->in_use);
}

static bool heap_read_mimalloc(struct real_heap *heap)
{
    typedef void info_function(size_t *, size_t *, size_t *, size_t *, size_t *,
                               size_t *, size_t *, size_t *);
    info_function *info =
        (info_function *)real_find(RTLD_NEXT, "mi_process_info");
    size_t commit = 0, unused;

    if (!info)
        return false;
    info(&unused, &unused, &unused, &unused, &unused, &commit, &unused,
         &unused);
    heap->system = commit;
    heap->in_use = commit;
    return true;
}

bool real_heap_read(struct real_heap *heap)
{
    *heap = (struct real_heap){0, 0};
    switch (real.allocator) {
    case ALLOCATOR_GLIBC: {
        struct mallinfo2 info = mallinfo2();
        heap->system = info.arena + info.hblkhd;
        heap->in_use = info.uordblks + info.hblkhd;
        return true;
    }
    case ALLOCATOR_JEMALLOC:
        return heap_read_jemalloc(heap);
    case ALLOCATOR_TCMALLOC:
        return heap_read_tcmalloc(heap);
    case ALLOCATOR_MIMALLOC:
        return heap_read_mimalloc(heap);
    case ALLOCATOR_OTHER:
        break;
    }
    return false;
}
