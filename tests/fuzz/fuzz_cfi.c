/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cfi.c - shim/cfi.c and shim/frame.c on an object whose unwind tables are
 * anything, and on registers and a stack that are anything.
 *
 *   u16 header   where in the object .eh_frame_hdr begins
 *   u16 pc       which of its bytes the rule is asked for
 *   the rest     the object, all of it
 *
 * The object is a block of memory of exactly its size, found by the
 * _dl_find_object below: asan sees every read outside of it. It is its own
 * stack, and its words are the registers, so frames are undone in it until
 * that fails; also as if a signal had come there, on a stack of unknown end.
 * The rule must be one that the walker can use.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "cfi.h"
#include "frame.h"
#include "fuzz_target.h"

#define FRAMES_MAX 16

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
/* The kernel finds asan's shadow readable, and asan does not. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define KERNEL_DECIDES false
#else
#define KERNEL_DECIDES true
#endif

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
    case CFI_REALIGNED:
        return CFI_OFFSET(rule) == 0 && CFI_BP_SLOT(rule) > 0;
    case CFI_END:
    case CFI_ESCAPE:
    case CFI_NO_CODE:
        return CFI_OFFSET(rule) == 0 && CFI_BP_SLOT(rule) == 0;
    default:
        return false; /* the object was found */
    }
}

static void undo_frames(struct frame frame)
{
    for (int i = 0; i < FRAMES_MAX; i++) {
        struct frame before = frame;

        if (frame_out(&frame) == FRAME_MOVED)
            continue;
        if (memcmp(&before, &frame, sizeof(frame)) != 0)
            abort(); /* was to be left as it was */
        return;
    }
}

/* The object's end is the stack's, and every other register points into it:
 * nothing else may be read. */
static void undo_known(size_t pc, uintptr_t tag)
{
    struct frame frame = {
        .pc = (uintptr_t)object + pc,
        .low = (uintptr_t)object,
        .high = (uintptr_t)object + object_size,
        .tag = tag,
    };

    for (size_t i = 0; i < ARCH_REGISTERS && 8 * i + 8 <= object_size; i++) {
        memcpy(&frame.registers[i], object + 8 * i, 8);
        if (i % 2 == 0 || i == ARCH_SP)
            frame.registers[i] =
                frame.low + frame.registers[i] % object_size / 8 * 8;
    }
    undo_frames(frame);
}

/* A signal came while the registers were anything, on a stack whose end nobody
 * knows: what cannot be read is asked for, and must not be missed. */
static void undo_interrupted(size_t pc)
{
    static ucontext_t context;
    struct frame frame = {0};

    memset(&context, 0, sizeof(context));
    memcpy(&context.uc_mcontext, object,
           object_size < sizeof(context.uc_mcontext)
               ? object_size
               : sizeof(context.uc_mcontext));
    frame_interrupted(&frame, &context);
    frame.pc = (uintptr_t)object + pc;
    undo_frames(frame);
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
    undo_known(pc, WALK_FRAME_EXACT);
    undo_known(pc + 1, 0);
    if (KERNEL_DECIDES)
        undo_interrupted(pc);
    free(object);
    object_size = 0;
    return 0;
}
