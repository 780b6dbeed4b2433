/* SPDX-License-Identifier: MIT */
/*
 * rows_say.c - the rows of shim/cfi.c, in the words of readelf's frames-interp.
 *
 *   rows_say LIBRARY <ADDRESSES
 *
 * Loads the library and prints, for each address of its file that stands on a
 * line of its own in hexadecimal, the address, the CFA, and "rN:WHERE" of each
 * register that is not where it was; or the address and "none". It needs no
 * library that the other architecture might not have. Read next: rows_cross.py.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>

#include "cfi.h"

static void say_register(unsigned number, int32_t packed)
{
    switch (CFI_HOW(packed)) {
    case CFI_SAME:
    case CFI_UNDEFINED:
        return;
    case CFI_SAVED_AT:
        printf(" r%u:c%+" PRId32, number, CFI_VALUE(packed));
        return;
    case CFI_IS:
        printf(" r%u:v%+" PRId32, number, CFI_VALUE(packed));
        return;
    case CFI_IN_REGISTER:
        printf(" r%u:r%" PRId32, number, CFI_VALUE(packed));
        return;
    case CFI_EXPRESSION:
        printf(" r%u:exp", number);
        return;
    case CFI_IS_EXPRESSION:
        printf(" r%u:vexp", number);
        return;
    default:
        printf(" r%u:unknown", number);
    }
}

static void say_row(uintptr_t address, uintptr_t pc)
{
    struct cfi_row row;
    struct fde fde;

    printf("%" PRIxPTR, address);
    if (fde_find(pc, &fde) != FDE_FOUND || !cfi_row(&fde, pc, &row)) {
        printf(" none\n");
        return;
    }
    if (row.cfa_register == CFI_CFA_EXPRESSION)
        printf(" exp");
    else
        printf(" r%" PRIu32 "%+" PRId64, row.cfa_register, row.cfa_offset);
    for (unsigned i = 0; i < ARCH_REGISTERS; i++)
        say_register(i, row.registers[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    struct link_map *map;
    uintptr_t address;

    if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) {
        fprintf(stderr, "rows_say: %s\n",
                argc == 2 ? dlerror() : "usage: rows_say LIBRARY");
        return argc == 2 ? 1 : 2;
    }
    while (scanf("%" SCNxPTR, &address) == 1)
        say_row(address, map->l_addr + address);
    return 0;
}
