/* SPDX-License-Identifier: MIT */
/*
 * replay.c - runs a fuzz target over its corpus, without a fuzzing engine.
 *
 * The program fuzz_NAME reads every file of tests/fuzz/corpus/NAME, from the
 * repository's root, or the files given to it, and speaks TAP. Each input lies
 * at the end of its own block of memory, so that asan sees a byte too many.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_target.h"

static unsigned count;

static void run_file(const char *path)
{
    FILE *in = fopen(path, "re");
    uint8_t *data = NULL;
    long size = -1;

    if (in && fseek(in, 0, SEEK_END) == 0)
        size = ftell(in);
    if (size >= 0) {
        rewind(in);
        data = malloc((size_t)size);
        if (size > 0 && fread(data, (size_t)size, 1, in) != 1)
            size = -1;
    }
    if (in)
        fclose(in);
    if (size >= 0)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    printf("%s %u - %s\n", size < 0 ? "not ok" : "ok", ++count, path);
    fflush(stdout); /* before the next one crashes */
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    char directory[PATH_MAX], path[2 * PATH_MAX];
    struct dirent **entries;
    int entry_count;

    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc == 1) {
        if (strncmp(name, "fuzz_", 5) == 0)
            name += 5;
        snprintf(directory, sizeof(directory), "tests/fuzz/corpus/%s", name);
        entry_count = scandir(directory, &entries, is_input, alphasort);
        if (entry_count <= 0) {
            printf("Bail out! %s: %s\n", directory,
                   entry_count < 0 ? strerror(errno) : "no inputs");
            return 1;
        }
        for (int i = 0; i < entry_count; i++) {
            snprintf(path, sizeof(path), "%s/%s", directory,
                     entries[i]->d_name);
            run_file(path);
            free(entries[i]);
        }
        free(entries);
    }
    printf("1..%u\n", count);
    return 0;
}
