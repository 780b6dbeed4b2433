/* SPDX-License-Identifier: MIT */
/*
 * convert_main.c - preprof-convert: a segment as a profile people and pprof
 * read.
 *
 * Reads FILE, also a core file, or the segment of a pid; writes OUT under a
 * temporary name first, so that a failure leaves what was there. What is no
 * regular file (a pipe, a device, a link) it must never replace. Read next:
 * profile.h.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loss.h"
#include "option_error.h"
#include "process_memstats.h"
#include "profile.h"
#include "profile_folded.h"
#include "profile_pprof.h"
#include "profile_text.h"
#include "segment_input.h"
#include "symbolize.h"

enum format { FORMAT_PPROF, FORMAT_TEXT, FORMAT_FOLDED };

struct request {
    const char *input, *output; /* output "-": stdout */
    enum format format;
    const char *kind;
    int value; /* of the kind's, what folded stacks show */
};

static const char usage_text[] =
    "usage: preprof-convert FILE|PID [--peak] [-f pprof|folded|text] -o OUT\n";

static _Noreturn void refuse_usage(const char *problem, const char *detail)
{
    fprintf(stderr, "preprof-convert: %s%s\n", problem, detail);
    exit(2);
}

static bool ends_in(const char *text, const char *suffix)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);

    return length >= suffix_length &&
           strcmp(text + length - suffix_length, suffix) == 0;
}

/* By its name, else by the suffix of the output. */
static enum format choose_format(const char *name, const char *output)
{
    static const struct {
        const char *name, *suffix;
        enum format format;
    } formats[] = {{"pprof", ".pb.gz", FORMAT_PPROF},
                   {"folded", ".folded", FORMAT_FOLDED},
                   {"text", ".txt", FORMAT_TEXT}};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (name ? strcmp(name, formats[i].name) == 0
                 : ends_in(output, formats[i].suffix))
            return formats[i].format;
    if (name)
        refuse_usage("-f takes pprof, folded or text, not ", name);
    return FORMAT_PPROF;
}

static struct request parse(int argc, char **argv)
{
    static const struct option options[] = {{"peak", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct request request = {.kind = "heap", .value = PROFILE_INUSE_SPACE};
    const char *format = NULL;
    int option;

    while ((option = getopt_long(argc, argv, ":f:o:", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            format = optarg;
            break;
        case 'o':
            request.output = optarg;
            break;
        case 'p':
            request.kind = "peak";
            request.value = PROFILE_PEAK_SPACE;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        default:
            option_error("convert", option, argv);
        }
    }
    if (optind + 1 != argc)
        refuse_usage(optind == argc ? "a FILE or PID is missing"
                                    : "one FILE or PID, "
                                      "not also ",
                     optind == argc ? "" : argv[argc - 1]);
    request.input = argv[optind];
    if (!request.output)
        refuse_usage("where to? -o OUT is missing", "");
    request.format = choose_format(format, request.output);
    return request;
}

static struct segment_snapshot *read_input(const char *input)
{
    char line[SEGMENT_ERROR_LINE_SIZE];
    struct segment_snapshot *snapshot;
    struct segment_error error;

    if (segment_input_read(input, SEGMENT_READ_STACKS, &snapshot, &error) == 0)
        return snapshot;
    segment_error_line(&error, line, sizeof(line));
    fprintf(stderr, "preprof-convert: %s\n", line);
    exit(1);
}

static int write_text(const struct profile *profile,
                      const struct segment_snapshot *snapshot, FILE *out)
{
    struct process_memstats stats;
    int err;

    process_memstats_read(snapshot, &stats);
    err = profile_text_write(profile, &stats, out);
    return err ? err : profile_text_write_mappings(profile, out);
}

static int write_profile(const struct request *request,
                         const struct segment_snapshot *snapshot,
                         const struct profile *profile, FILE *out)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    int err;

    if (request->format == FORMAT_FOLDED)
        return profile_folded_write(profile, request->value, out);
    if (request->format == FORMAT_TEXT)
        return write_text(profile, snapshot, out);
    err = profile_pprof_write(profile, &bytes, &size);
    if (!err && fwrite(bytes, 1, size, out) != size)
        err = -errno;
    free(bytes);
    return err;
}

/* Writes all and closes. Returns 0 or -errno. */
static int write_stream(const struct request *request,
                        const struct segment_snapshot *snapshot,
                        const struct profile *profile, FILE *out)
{
    int err = write_profile(request, snapshot, profile, out);

    /* Writing on says what was wrong with the stream. */
    if (fflush(out) != 0 && (!err || err == -EIO))
        err = -errno;
    if (fclose(out) != 0 && !err)
        err = -errno;
    return err;
}

/* Returns 0 or -errno. */
static int write_output(const struct request *request,
                        const struct segment_snapshot *snapshot,
                        const struct profile *profile)
{
    char temporary[PATH_MAX];
    struct stat status;
    FILE *out = stdout;
    bool to_file = strcmp(request->output, "-") != 0;
    bool replaced = to_file && (lstat(request->output, &status) != 0 ||
                                S_ISREG(status.st_mode));
    int err;

    if (replaced &&
        snprintf(temporary, sizeof(temporary), "%s.tmp-%d", request->output,
                 (int)getpid()) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    if (to_file)
        out = replaced ? fopen(temporary, "wxe") : fopen(request->output, "we");
    if (!out)
        return -errno;
    err = write_stream(request, snapshot, profile, out);
    if (!replaced)
        return err;
    if (!err && rename(temporary, request->output) != 0)
        err = -errno;
    if (err)
        unlink(temporary);
    return err;
}

/* Folded stacks have no place for what makes them wrong: it is said aside. */
static void say_losses(const struct request *request,
                       const struct segment_snapshot *snapshot)
{
    for (unsigned i = 0; i < SEGMENT_LOSS_COUNT; i++)
        if (snapshot->losses[i] && loss_is_serious(i))
            fprintf(stderr, "preprof-convert: %s: %" PRIu64 " %s\n",
                    request->input, snapshot->losses[i], loss_text(i));
}

int main(int argc, char **argv)
{
    struct request request = parse(argc, argv);
    struct segment_snapshot *snapshot = read_input(request.input);
    struct symbolizer *symbolizer = symbolizer_new();
    struct profile *profile = NULL;
    int err = -ENOMEM;

    if (symbolizer)
        profile = profile_from_segment(snapshot, symbolizer,
                                       profile_kind_find(request.kind));
    if (profile)
        err = write_output(&request, snapshot, profile);
    if (err)
        fprintf(stderr, "preprof-convert: %s: %s\n", request.output,
                strerror(-err));
    else if (request.format == FORMAT_FOLDED)
        say_losses(&request, snapshot);
    profile_free(profile);
    symbolizer_free(symbolizer);
    segment_snapshot_free(snapshot);
    return err ? 1 : 0;
}
