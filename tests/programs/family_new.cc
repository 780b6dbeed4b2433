/* SPDX-License-Identifier: MIT */
/*
 * family_new.cc - every replaceable operator new with every operator delete
 * that may take its blocks, a prime number of times each; nothrow and throwing
 * failures, and the new_handler (hazards A14). Read next: family.h.
 * FLAGS: -std=c++17
 */
#include <new>

#include "family.h"

static const std::align_val_t aligned = std::align_val_t(256);
static volatile size_t huge = (size_t)PTRDIFF_MAX - 4096;

/* A case of `times` pairs; every third block stays. */
#define PAIR(name, times, alignment, allocate, release)                        \
    CASE(name)                                                                 \
    {                                                                          \
        family_begin(#name);                                                   \
        for (int i = 0; i < times; i++) {                                      \
            void *block = TRY(allocate, alignment);                            \
                                                                               \
            if (i % 3)                                                         \
                GIVE(block, release);                                          \
        }                                                                      \
    }

PAIR(one, 101, 16, operator new(37), operator delete(block))
PAIR(one_sized, 103, 16, operator new(41), operator delete(block, 41))
PAIR(one_nothrow, 107, 16, operator new(43, std::nothrow),
     operator delete(block, std::nothrow))
PAIR(many, 109, 16, operator new[](47), operator delete[](block))
PAIR(many_sized, 113, 16, operator new[](53), operator delete[](block, 53))
PAIR(many_nothrow, 127, 16, operator new[](59, std::nothrow),
     operator delete[](block, std::nothrow))
PAIR(one_aligned, 131, 256, operator new(61, aligned),
     operator delete(block, aligned))
PAIR(one_aligned_sized, 137, 256, operator new(67, aligned),
     operator delete(block, 67, aligned))
PAIR(one_aligned_nothrow, 139, 256, operator new(71, aligned, std::nothrow),
     operator delete(block, aligned, std::nothrow))
PAIR(many_aligned, 149, 256, operator new[](73, aligned),
     operator delete[](block, aligned))
PAIR(many_aligned_sized, 151, 256, operator new[](79, aligned),
     operator delete[](block, 79, aligned))
PAIR(many_aligned_nothrow, 157, 256,
     operator new[](83, aligned, std::nothrow),
     operator delete[](block, aligned, std::nothrow))
PAIR(nothing, 163, 1, operator new(0), operator delete(block))
PAIR(null_delete, 1, 1, operator new(1),
     (operator delete(nullptr), operator delete[](nullptr),
      operator delete(nullptr, 1), operator delete(nullptr, aligned)))

static unsigned long handled;

static void on_no_memory()
{
    handled++;
    std::set_new_handler(nullptr); /* the next try throws */
}

/* Throws through operator new, whose frames must be there to unwind; and the
 * handler is asked once each time. */
template <typename Allocate> static void refuse(Allocate allocate)
{
    for (int i = 0; i < 11; i++) {
        std::set_new_handler(on_no_memory);
        try {
            family->misaligned += allocate() != nullptr;
            family->nulls++;
        } catch (const std::bad_alloc &) {
            family->errors++;
        }
    }
}

CASE(refused)
{
    family_begin(__func__);
    refuse([] { return operator new(huge); });
    refuse([] { return operator new[](huge); });
    refuse([] { return operator new(huge, aligned); });
    refuse([] { return operator new[](huge, aligned); });
    refuse([] { return operator new(huge, std::nothrow); });
    refuse([] { return operator new[](huge, std::nothrow); });
    refuse([] { return operator new(huge, aligned, std::nothrow); });
    refuse([] { return operator new[](huge, aligned, std::nothrow); });
    family->misaligned += handled;
}

int main(int argc, char **argv)
{
    static const struct family_run runs[] = {
        RUN(one), RUN(one_sized), RUN(one_nothrow), RUN(many),
        RUN(many_sized), RUN(many_nothrow), RUN(one_aligned),
        RUN(one_aligned_sized), RUN(one_aligned_nothrow), RUN(many_aligned),
        RUN(many_aligned_sized), RUN(many_aligned_nothrow), RUN(nothing),
        RUN(null_delete), RUN(refused),
    };

    return family_main(argc, argv, runs, sizeof(runs) / sizeof(runs[0]));
}
