/* SPDX-License-Identifier: MIT */
/*
 * segment_write.c - `segment_write FILE [CALLSITES]`: a small sound segment,
 * for scripts that run without the shim; with a number, one of so many
 * callsites. Read next: tests/segment_build.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "segment_build.h"

static void add_callsites(struct segment_build *build, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = segment_build_node(build, 0, 0x420000 + i, 1);
        uint32_t id = segment_build_callsite(build, node, 1);

        *segment_build_row(build, 0, id) = (struct segment_row){1, 16, 0, 0};
    }
}

int main(int argc, char **argv)
{
    struct segment_build build;
    FILE *out;
    size_t size;

    if (argc < 2) {
        fputs("usage: segment_write FILE [CALLSITES]\n", stderr);
        return 2;
    }
    segment_build_small(&build);
    if (argc > 2)
        add_callsites(&build, (uint32_t)strtoul(argv[2], NULL, 10));
    size = segment_build_size(&build);
    out = fopen(argv[1], "we");
    if (!out || fwrite(build.bytes, 1, size, out) != size || fclose(out) != 0) {
        perror(argv[1]);
        return 1;
    }
    segment_build_end(&build);
    return 0;
}
