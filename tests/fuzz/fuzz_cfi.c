/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cfi.c - shim/cfi.c on an object whose unwind tables are anything.
 *
 *   u16 header   where in the object .eh_frame_hdr begins
 *   u16 pc       which of its bytes the rule is asked for
 *   the rest     the object, all of it
 *
 * The object is a block of memory of exactly its size, found by the
 * _dl_find_object below: asan sees every read outside of it. The rule must be
 * one that the walker can use.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cfi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *object;
static size_t object_size, header_at;

/* In the place of libc's, also for the unwinder of asan. */
int _dl_find_object(void *address, struct dl_find_object *found)
{
    static int (*next)(void *, struct dl_find_object *);

    if ((uintptr_t)address - (uintptr_t)object < object_size) {
        *found = (struct dl_find_object){
            .dlfo_map_start = object,
            .dlfo_map_end = object + object_size,
            .dlfo_eh_frame = object + header_at,
        };
        return 0;
    }
    if (!next)
        next = (int (*)(void *, struct dl_find_object *))dlsym(
            RTLD_NEXT, "_dl_find_object");
    return next(address, found);
}

static bool is_usable(uint32_t rule)
{
    switch (CFI_KIND(rule)) {
    case CFI_SP:
    case CFI_BP:
        return CFI_OFFSET(rule) >= 8;
    case CFI_END:
    case CFI_ESCAPE:
    case CFI_NO_CODE:
        return CFI_OFFSET(rule) == 0 && CFI_BP_SLOT(rule) == 0;
    default:
        return false; /* the object was found */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t pc;

    if (size < 5)
        return 0;
    object_size = size - 4;
    header_at = (data[0] | (size_t)data[1] << 8) % object_size;
    pc = (data[2] | (size_t)data[3] << 8) % object_size;
    object = malloc(object_size);
    memcpy(object, data + 4, object_size);
    if (!is_usable(cfi_rule((uintptr_t)object + pc + 1)))
        abort();
    free(object);
    object_size = 0;
    return 0;
}
