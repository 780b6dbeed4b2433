/* SPDX-License-Identifier: MIT */
/*
 * fde.h - the entry of .eh_frame about an address.
 *
 * Found by glibc's lock-free _dl_find_object and the sorted search table of
 * .eh_frame_hdr. Every read is bounded by the mapping the tables lie in. The
 * format is that of the LSB's Exception Frames chapter and of DWARF 4, section
 * 6.4. Read next: cfi.h, which runs what is found.
 */
#ifndef PREPROF_FDE_H
#define PREPROF_FDE_H

#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"

enum fde_result {
    FDE_FOUND,
    FDE_NO_OBJECT, /* nothing is loaded there */
    FDE_NO_CODE,   /* an object without unwind tables for this address */
    FDE_BAD,       /* one with tables that make no sense */
};

/* An FDE together with what its CIE says. */
struct fde {
    struct cursor cie_program, program; /* the instructions */
    uint64_t code_align;
    int64_t data_align;
    uintptr_t start, end; /* of the code it is about */
    uint32_t encoding;    /* of addresses */
    bool signal;          /* the frame a signal handler returns into */
};

/* Threads: any. Async-signal-safe. */
enum fde_result fde_find(uintptr_t pc, struct fde *fde);

/* An address as `encoding` says. */
uint64_t fde_read_encoded(struct cursor *c, uint32_t encoding);

#endif
