/* SPDX-License-Identifier: MIT */
/*
 * symbolize_file.c - `eu-addr2line -a -f -i` over our own symbolizer.
 *
 *     symbolize_file FILE < ADDRESSES
 *
 * For each hexadecimal address on stdin: the address, then for each frame,
 * innermost first, its linkage name and FILE:LINE on lines of their own. How
 * long all of it took goes to stderr. Read next: tests/cli/symbols.t.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "symbolize.h"

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_frames(struct symbol_module *module, uint64_t address)
{
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    size_t count =
        symbol_module_frames(module, address, frames, SYMBOL_FRAMES_MAX);
    printf("0x%016" PRIx64 "\n", address);
    if (count == 0)
        printf("??\n??:0\n");
    for (size_t i = 0; i < count; i++)
        printf("%s\n%s:%" PRIu32 "\n", frames[i].system_name,
               frames[i].file != NULL ? frames[i].file : "??", frames[i].line);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: symbolize_file FILE < ADDRESSES\n");
        return 2;
    }
    struct symbolizer *symbolizer = symbolizer_new();
    if (symbolizer == NULL) {
        fprintf(stderr, "symbolize_file: out of memory\n");
        return 1;
    }
    double start = now_s();
    struct symbol_module *module = symbolizer_module(
        symbolizer, &(struct symbol_module_key){.path = argv[1]});
    const char *note = symbol_module_note(module);
    if (note != NULL)
        fprintf(stderr, "symbolize_file: %s\n", note);
    char line[64];
    size_t count = 0;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        print_frames(module, strtoull(line, NULL, 16));
        count++;
    }
    fprintf(stderr, "%zu addresses in %.0f ms\n", count,
            (now_s() - start) * 1e3);
    symbolizer_free(symbolizer);
    return 0;
}
