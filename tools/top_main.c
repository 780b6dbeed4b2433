/* SPDX-License-Identifier: MIT */
/*
 * top_main.c - preprof-top: the functions that hold, or took, most memory.
 *
 * Once, or with -d again and again for as long as the process lives: on a
 * terminal in place, cut to its size, else one table after the other. Read
 * next: profile_top.h, segment_input.h.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "option_error.h"
#include "profile.h"
#include "profile_top.h"
#include "segment_input.h"
#include "symbolize.h"

#define ROWS_DEFAULT  20
#define DELAY_MIN_S   0.1
#define DELAY_MAX_S   86400.0
#define LINES_DEFAULT 24 /* of a terminal that does not say its size */
#define WIDTH_DEFAULT 80

struct request {
    const char *input, *kind;
    int value;      /* of the kind's */
    size_t rows;    /* 0: as many as are seen well */
    double delay_s; /* 0: once */
};

static _Noreturn void refuse_usage(const char *problem, const char *detail)
{
    fprintf(stderr, "preprof top: %s%s\n", problem, detail);
    exit(2);
}

static size_t parse_rows(const char *text)
{
    char *end;
    unsigned long rows = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || rows == 0)
        refuse_usage("-n takes a number above 0, not ", text);
    return rows;
}

static double parse_delay(const char *text)
{
    char *end;
    double delay_s = strtod(text, &end);

    if (!isdigit((unsigned char)*text) || *end || !(delay_s >= DELAY_MIN_S) ||
        delay_s > DELAY_MAX_S)
        refuse_usage("-d takes seconds, 0.1 to 86400, not ", text);
    return delay_s;
}

static struct request parse(int argc, char **argv)
{
    static const struct option options[] = {{"inuse", no_argument, NULL, 'i'},
                                            {"allocs", no_argument, NULL, 'a'},
                                            {"peak", no_argument, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    struct request request = {.kind = "heap", .value = PROFILE_INUSE_SPACE};
    int option;

    while ((option = getopt_long(argc, argv, ":n:d:", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            request.rows = parse_rows(optarg);
            break;
        case 'd':
            request.delay_s = parse_delay(optarg);
            break;
        case 'i':
            request.kind = "heap";
            request.value = PROFILE_INUSE_SPACE;
            break;
        case 'a':
            request.kind = "heap";
            request.value = PROFILE_ALLOC_SPACE;
            break;
        case 'p':
            request.kind = "peak";
            request.value = PROFILE_PEAK_SPACE;
            break;
        default:
            option_error("top", option, argv);
        }
    }
    if (optind + 1 != argc)
        refuse_usage(optind == argc ? "a FILE or PID is missing"
                                    : "one FILE or PID, not also ",
                     optind == argc ? "" : argv[argc - 1]);
    request.input = argv[optind];
    return request;
}

/* ---- one table --------------------------------------------------------- */

/* Lines of a terminal and columns of each. */
struct screen {
    size_t lines, columns;
};

static struct screen screen_size(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_row ||
        !size.ws_col)
        return (struct screen){LINES_DEFAULT, WIDTH_DEFAULT};
    return (struct screen){size.ws_row, size.ws_col};
}

/* The bytes of a line that fit so many columns, one a character. */
static size_t fitting(const char *line, size_t length, size_t columns)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++)
        if (((unsigned char)line[i] & 0xc0) != 0x80 && used++ == columns)
            return i;
    return length;
}

/* Writes a text over what the terminal shows. */
static void draw(const char *text, const struct screen *screen)
{
    fputs("\033[H", stdout);
    for (size_t i = 1; *text && i < screen->lines; i++) {
        size_t length = strcspn(text, "\n");

        printf("%.*s\033[K\n", (int)fitting(text, length, screen->columns),
               text);
        text += length + (text[length] == '\n');
    }
    fputs("\033[J", stdout);
}

/* Shows one snapshot. Returns 0 or -errno. */
static int show(const struct request *request,
                const struct segment_snapshot *snapshot,
                struct symbolizer *symbolizer, bool in_place)
{
    struct screen screen = in_place ? screen_size() : (struct screen){0, 0};
    struct profile *profile = profile_from_segment(
        snapshot, symbolizer, profile_kind_find(request->kind));
    size_t rows = request->rows, size = 0;
    char *text = NULL;
    FILE *out;
    int err;

    if (!rows)
        rows = in_place ? screen.lines : ROWS_DEFAULT;
    out = profile ? open_memstream(&text, &size) : NULL;
    err = out ? profile_top_write(profile, request->value, rows, out) : -ENOMEM;
    profile_free(profile);
    if (out && fclose(out) != 0 && !err)
        err = -ENOMEM;
    if (!err && in_place)
        draw(text, &screen);
    else if (!err)
        fwrite(text, 1, size, stdout);
    free(text);
    if (!err && fflush(stdout) != 0)
        err = -errno;
    return err;
}

/* ---- again and again --------------------------------------------------- */

static void wait_s(double delay_s)
{
    struct timespec delay = {
        .tv_sec = (time_t)delay_s,
        .tv_nsec = (long)((delay_s - (double)(time_t)delay_s) * 1e9),
    };

    nanosleep(&delay, NULL);
}

/* Returns an exit status. */
static int watch(const struct request *request, struct symbolizer *symbolizer)
{
    bool in_place = request->delay_s > 0 && isatty(STDOUT_FILENO);
    char line[SEGMENT_ERROR_LINE_SIZE];
    struct segment_snapshot *snapshot;
    struct segment_error error;
    bool live = true;

    for (bool first = true; live; first = false) {
        int err = segment_input_read(request->input, SEGMENT_READ_STACKS,
                                     &snapshot, &error);

        if (err) {
            segment_error_line(&error, line, sizeof(line));
            fprintf(stderr, "preprof top: %s\n", line);
            /* It ended by itself, and so its segment did. */
            return err == -ENOENT && !first ? 0 : 1;
        }
        if (!first && !in_place)
            putchar('\n');
        err = show(request, snapshot, symbolizer, in_place);
        live = request->delay_s > 0 && snapshot->life == SEGMENT_LIFE_LIVE;
        segment_snapshot_free(snapshot);
        if (err) {
            fprintf(stderr, "preprof top: %s: %s\n", request->input,
                    strerror(-err));
            return 1;
        }
        if (live)
            wait_s(request->delay_s);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct request request = parse(argc, argv);
    struct symbolizer *symbolizer = symbolizer_new();
    int status;

    if (!symbolizer) {
        fprintf(stderr, "preprof top: %s\n", strerror(ENOMEM));
        return 1;
    }
    status = watch(&request, symbolizer);
    symbolizer_free(symbolizer);
    return status;
}
