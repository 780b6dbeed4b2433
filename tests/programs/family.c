/* SPDX-License-Identifier: MIT */
/*
 * family.c - every function of the C allocator family, in its good cases and
 * in its bad ones, a prime number of times each (hazards A15, F2, F5, F7, F9,
 * F12). Read next: family.h. C++'s operators are in family_new.cc.
 */
#include <dlfcn.h>

#include "family.h"

#define TOO_MUCH ((size_t)PTRDIFF_MAX + 1)
#define WORD     (2 * sizeof(void *)) /* the alignment of 16 bytes or more */

static volatile size_t zero; /* hides constants from the compiler's warnings */

/* First of all, in a heap where nothing was freed: usable sizes are a matter
 * of the sizes alone, and must not differ under the shim. */
CASE(usable_sizes)
{
    family_begin(__func__);
    srandom(1);
    for (int i = 0; i < 1009; i++) {
        void *block = TRY(malloc(16 + (size_t)random() % 3000), WORD);

        family->errors += malloc_usable_size(block);
    }
    family->errors += malloc_usable_size(NULL);
}

CASE(plain_malloc)
{
    family_begin(__func__);
    for (int i = 0; i < 101; i++) {
        void *block = TRY(malloc(1009), WORD);

        if (i % 3)
            GIVE(block, free(block));
    }
}

CASE(zero_malloc)
{
    void *last = NULL;

    family_begin(__func__);
    for (int i = 0; i < 103; i++) {
        void *block = TRY(malloc(zero), 1);

        family->misaligned += block == last; /* each is one of its own */
        last = block;
    }
}

CASE(huge_malloc)
{
    family_begin(__func__);
    for (int i = 0; i < 107; i++)
        TRY(malloc(TOO_MUCH + zero), 1);
}

CASE(clear_calloc)
{
    static const char zeros[7 * 13];

    family_begin(__func__);
    for (int i = 0; i < 109; i++) {
        char *block = TRY(calloc(7, 13), WORD);

        family->misaligned += memcmp(block, zeros, sizeof(zeros)) != 0;
        memset(block, 1, sizeof(zeros));
        GIVE(block, free(block));
    }
}

CASE(zero_calloc)
{
    family_begin(__func__);
    for (int i = 0; i < 113; i++)
        TRY(calloc(zero, 5), 1);
}

CASE(overflowing_calloc)
{
    family_begin(__func__);
    for (int i = 0; i < 127; i++) {
        TRY(calloc(SIZE_MAX / 2 + zero, 3), 1);
        TRY(calloc(3, SIZE_MAX / 2 + zero), 1);
    }
}

CASE(null_realloc)
{
    family_begin(__func__);
    for (int i = 0; i < 131; i++) {
        void *block = TRY(realloc(NULL, 57), WORD);

        GIVE(block, free(block));
    }
    TRY(realloc(NULL, zero), 1);
}

/* From small to mapped and back: in place, moved, by mremap. */
CASE(growing_realloc)
{
    char *block = NULL;

    family_begin(__func__);
    for (size_t i = 1; i <= 137; i++) {
        size_t old = malloc_usable_size(block);
        char *next = TRY(realloc(block, (i * i % 97) * i * 113 + 16), WORD);

        if (block)
            family_freed(old);
        family->misaligned += block && *next != (char)(i - 1);
        *next = (char)i;
        block = next;
    }
    GIVE(block, free(block));
}

CASE(realloc_to_zero)
{
    family_begin(__func__);
    for (int i = 0; i < 139; i++) {
        void *block = TRY(malloc(50), WORD);

        family_freed(malloc_usable_size(block));
        block = TRY(realloc(block, zero), 1);
        if (block) /* some allocators give a new one */
            GIVE(block, free(block));
    }
}

/* A failing realloc leaves the block, and it stays counted where it was. */
CASE(huge_realloc)
{
    family_begin(__func__);
    for (int i = 0; i < 149; i++) {
        char *block = TRY(malloc(40), WORD);

        *block = 7;
        TRY(realloc(block + zero, TOO_MUCH + zero), 1);
        TRY(reallocarray(block + zero, SIZE_MAX / 2 + zero, 3), 1);
        family->misaligned +=
            reallocarray(block + zero, TOO_MUCH + zero, 1) != NULL;
        family->misaligned += *block != 7;
        if (i % 2)
            GIVE(block, free(block));
    }
}

CASE(array_realloc)
{
    family_begin(__func__);
    for (int i = 0; i < 151; i++) {
        void *block = TRY(reallocarray(NULL, 11, 17), WORD);

        family_freed(malloc_usable_size(block));
        block = TRY(reallocarray(block, 23, 170), WORD);
        GIVE(block, free(block));
    }
}

static void *by_posix_memalign(size_t alignment, size_t size, int *err)
{
    void *block = NULL;

    *err = posix_memalign(&block, alignment, size);
    return block;
}

CASE(posix_aligned)
{
    int err;

    family_begin(__func__);
    for (size_t alignment = sizeof(void *); alignment <= 1 << 20;
         alignment *= 2)
        for (int i = 0; i < 11; i++) {
            void *block;

            errno = ERRNO_BEFORE;
            err = posix_memalign(&block, alignment, 163);
            block = family_note(err ? NULL : block, alignment);
            if (i % 2)
                GIVE(block, free(block));
        }
}

/* Bad alignments come back as a result; errno and the pointer stay. */
CASE(posix_refused)
{
    static const size_t bad[] = {0, 1, 4, 24, 4097, SIZE_MAX};
    int err;

    family_begin(__func__);
    for (int i = 0; i < 167; i++) {
        TRY(by_posix_memalign(bad[i % 6], 8, &err), 1);
        family->misaligned += (unsigned)err;
        TRY(by_posix_memalign(64, TOO_MUCH + zero, &err), 1);
        family->misaligned += (unsigned)err;
    }
}

CASE(iso_aligned)
{
    family_begin(__func__);
    for (int i = 0; i < 173; i++) {
        void *block = TRY(aligned_alloc(256, 512), 256);

        GIVE(block, free(block));
    }
    TRY(aligned_alloc(64, TOO_MUCH + zero), 1);
}

CASE(old_aligned)
{
    family_begin(__func__);
    for (int i = 0; i < 179; i++) {
        void *block = TRY(memalign(4096, 100), 4096);

        GIVE(block, free(block));
    }
    TRY(memalign(64, TOO_MUCH + zero), 1);
    TRY(memalign(TOO_MUCH + zero, PTRDIFF_MAX - zero), 1);
    TRY(memalign((size_t)1 << 62, PTRDIFF_MAX - zero), 1);
}

CASE(page_aligned)
{
    family_begin(__func__);
    for (int i = 0; i < 181; i++) {
        void *block = TRY(valloc(300), 4096);

        GIVE(block, free(block));
    }
    TRY(valloc(TOO_MUCH + zero), 1);
}

CASE(page_sized)
{
    family_begin(__func__);
    for (int i = 0; i < 191; i++) {
        void *block = TRY(pvalloc(5000), 4096);

        GIVE(block, free(block));
    }
    TRY(pvalloc(SIZE_MAX - zero), 1);
}

/* C23 and gone names: where libc lacks them they are only the shim's. */
CASE(sized_free)
{
    void (*sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");

    family_begin(__func__);
    for (int i = 0; i < 193; i++) {
        void *block = TRY(malloc(77), WORD);

        if (sized)
            GIVE(block, sized(block, 77));
        else
            GIVE(block, free(block));
    }
    if (sized)
        sized(NULL, 77);
}

CASE(aligned_sized_free)
{
    void (*sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT,
                                                "free_aligned_sized");

    family_begin(__func__);
    for (int i = 0; i < 197; i++) {
        void *block = TRY(aligned_alloc(128, 256), 128);

        if (sized)
            GIVE(block, sized(block, 128, 256));
        else
            GIVE(block, free(block));
    }
    if (sized)
        sized(NULL, 128, 256);
}

CASE(c_free)
{
    void (*cfree_)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");

    family_begin(__func__);
    for (int i = 0; i < 199; i++) {
        void *block = TRY(malloc(27), WORD);

        if (cfree_)
            GIVE(block, cfree_(block));
        else
            GIVE(block, free(block));
    }
}

CASE(null_free)
{
    family_begin(__func__);
    for (int i = 0; i < 211; i++)
        GIVE(NULL, free((void *)zero));
}

int main(int argc, char **argv)
{
    static const struct family_run runs[] = {
        RUN(usable_sizes),       RUN(plain_malloc),       RUN(zero_malloc),
        RUN(huge_malloc),        RUN(clear_calloc),       RUN(zero_calloc),
        RUN(overflowing_calloc), RUN(null_realloc),       RUN(growing_realloc),
        RUN(realloc_to_zero),    RUN(huge_realloc),       RUN(array_realloc),
        RUN(posix_aligned),      RUN(posix_refused),      RUN(iso_aligned),
        RUN(old_aligned),        RUN(page_aligned),       RUN(page_sized),
        RUN(sized_free),         RUN(aligned_sized_free), RUN(c_free),
        RUN(null_free),
    };

    return family_main(argc, argv, runs, sizeof(runs) / sizeof(runs[0]));
}
