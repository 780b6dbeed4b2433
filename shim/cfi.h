/* SPDX-License-Identifier: MIT */
/*
 * cfi.h - the unwind rule of one return address, from .eh_frame.
 *
 * Finds the code's FDE by glibc's lock-free _dl_find_object and the search
 * table of .eh_frame_hdr, runs its program up to the call, and packs what a
 * walk over rsp and rbp needs into 32 bits. That covers 99.77 % of the call
 * sites of a Debian installation (reference: unwinding.md 6); everything else
 * is CFI_ESCAPE and left to walk_escape.h. Every read is bounded by the
 * mapping the tables lie in. Read next: rules.h, walk.h.
 */
#ifndef PREPROF_CFI_H
#define PREPROF_CFI_H

#include <stdint.h>

enum cfi_kind {
    CFI_NONE = 0,   /* no object there: nothing to remember */
    CFI_SP = 1,     /* CFA = rsp + offset */
    CFI_BP = 2,     /* CFA = rbp + offset */
    CFI_END = 3,    /* the outermost frame */
    CFI_ESCAPE = 4, /* needs more than rsp and rbp */
    CFI_NO_CODE = 5, /* an object without unwind tables for this address */
};

/*
 * A rule: kind in bits 0-2; offset / 8 in bits 3-20; in bits 21-31, n > 0 when
 * the caller's rbp is saved at CFA - 8 n, 0 when rbp still has it. The return
 * address is at CFA - 8.
 */
#define CFI_OFFSET_BITS        18
#define CFI_BP_BITS            11
#define CFI_KIND(rule)         ((enum cfi_kind)((rule)&7u))
#define CFI_OFFSET(rule)       (((rule) >> 3 & ((1u << CFI_OFFSET_BITS) - 1)) * 8ul)
#define CFI_BP_SLOT(rule)      (((rule) >> 21) * 8ul)
#define CFI_RULE(kind, offset, bp_slot)                                        \
    ((uint32_t)(kind) | (uint32_t)((offset) / 8) << 3 |                        \
     (uint32_t)((bp_slot) / 8) << 21)

/* The rule of the code that `return_address` returns into. Threads: any.
 * Async-signal-safe. */
uint32_t cfi_rule(uintptr_t return_address);

#endif
