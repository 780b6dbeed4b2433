/* SPDX-License-Identifier: MIT */
/*
 * run_main.c - preprof-run: one program under the shim, from start to summary.
 *
 * Says what keeps the program from being profiled, starts it with the shim
 * preloaded, passes signals on, waits, keeps what killed processes left behind,
 * and says on stderr what was counted. The program's stdin, stdout and terminal
 * are its own; the exit status is the program's, or 128 + N when signal N
 * killed it. `preprof run` is this. It must never stand in the program's way:
 * what cannot be profiled still runs.
 * Read next: run_child.h, run_output.h, run_collect.h.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory_check.h"
#include "mode.h"
#include "option_error.h"
#include "preprof.h"
#include "program_check.h"
#include "run_child.h"
#include "run_collect.h"
#include "run_output.h"
#include "run_server.h"
#include "run_shim.h"
#include "segment_find.h"
#include "segment_places.h"

/* As shells say it. */
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127

/* A program that has no segment by then has not loaded the shim. */
#define SEGMENT_WAIT_MS 2000

struct request {
    const char *mode;
    const char *only; /* the program to profile, or NULL for all */
    const char *file; /* as given, or NULL */
    const char *port; /* as given, or NULL */
    char **command;
};

static _Noreturn void usage(const char *problem, const char *detail)
{
    fprintf(stderr, "preprof run: %s%s\n", problem, detail);
    exit(2);
}

static struct request parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"mode", required_argument, NULL, 'm'},
        {"only", required_argument, NULL, 'n'},
        {"http", required_argument, NULL, 'p'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0}};
    struct request request = {.mode = "exact"};
    uint64_t word;
    char *end;
    int option;

    /* '+': the program's options are the program's */
    while ((option = getopt_long(argc, argv, "+:o:", options, NULL)) != -1) {
        switch (option) {
        case 'm':
            request.mode = optarg;
            break;
        case 'o':
            request.file = optarg;
            break;
        case 'p':
            request.port = optarg;
            break;
        case 'n':
            request.only = optarg;
            break;
        case 'v':
            puts("preprof " PREPROF_VERSION);
            exit(0);
        default:
            option_error("run", option, argv);
        }
    }
    if (mode_parse(request.mode, &word) != 0)
        usage("--mode takes off, sample[=SIZE] or exact, not ", request.mode);
    if (request.port && (strtoul(request.port, &end, 10) > 65535 || *end ||
                         request.port[0] < '0' || request.port[0] > '9'))
        usage("--http takes a port, 0 to 65535, not ", request.port);
    if (request.only && (!*request.only || strchr(request.only, '/')))
        usage("--only takes the name of a program, without a path, not ",
              *request.only ? request.only : "nothing");
    if (optind == argc)
        usage("which program? See preprof help run", "");
    request.command = argv + optind;
    return request;
}

/* Where the segments of the run are, absolute: the program may go elsewhere. */
static int choose_directory(char directory[PATH_MAX])
{
    char given[PATH_MAX], here[PATH_MAX];

    segment_directory(given);
    if (given[0] == '/')
        here[0] = '\0';
    else if (!getcwd(here, sizeof(here)))
        return -errno;
    return snprintf(directory, PATH_MAX, "%s%s%s", here, here[0] ? "/" : "",
                    given) < PATH_MAX
               ? 0
               : -ENAMETOOLONG;
}

/* Says what keeps this program from being profiled, and nothing of one that
 * cannot even be started: the exec will. */
static void check_program(const char *name, struct program_check *check)
{
    char path[PATH_MAX];

    if (program_find(name, path) != 0 || program_check(path, check) != 0)
        check->fits = true; /* as far as anybody knows */
    else if (!check->fits)
        fprintf(stderr, "preprof: not profiled: %s: %s\n", check->path,
                check->reason);
}

/* Says that the segments' directory is no good; returns whether it is. */
static bool check_directory(const char *directory)
{
    char reason[128];

    if (directory_check(directory, reason, sizeof(reason)) == 0)
        return true;
    fprintf(stderr, "preprof: not profiled: %s: %s\n", directory, reason);
    return false;
}

/* Waits for the program's end. A program that should have a segment by now and
 * has none is named while there still is somebody to read it. */
static int wait_for(const struct run_child *child, const char *directory,
                    bool expected)
{
    char path[PATH_MAX];
    struct segment_error error;
    int status;

    if (run_child_wait(child, SEGMENT_WAIT_MS, &status))
        return status;
    if (expected &&
        segment_find(directory, (uint32_t)child->pid, path, &error) != 0)
        fprintf(stderr,
                "preprof: not profiled: process %d has not loaded the "
                "shim\n",
                (int)child->pid);
    while (!run_child_wait(child, -1, &status))
        ;
    return status;
}

/* Keeps and sums up; says why when nothing was left that should be there. */
static void collect(struct run_collect *run, bool expected, const char *only)
{
    size_t reported;
    bool first;

    if (!run->output->pattern[0])
        return;
    run_collect_segments(run);
    reported = run_collect_report(run, &first);
    if (only && !reported)
        fprintf(stderr, "preprof: no program named %s was profiled\n", only);
    else if (!first && expected)
        fprintf(stderr,
                "preprof: no profile of process %d: it cleared LD_PRELOAD, or "
                "could not write\n",
                (int)run->first);
}

/* Starts the server and lets the program go. Returns 0 or an exit status. */
static int start(struct run_child *child, const struct request *request,
                 pid_t *server)
{
    int err;

    if (request->port) {
        *server = run_server_start(
            &(struct run_server_site){request->port, child->pid, request->only},
            &child->signals);
        if (*server < 0) {
            run_child_cancel(child);
            return 1;
        }
    }
    err = run_child_release(child);
    if (!err)
        return 0;
    if (*server)
        run_server_end(*server);
    fprintf(stderr, "preprof: %s: %s\n", request->command[0], strerror(-err));
    return err == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

int main(int argc, char **argv)
{
    struct request request = parse(argc, argv);
    struct run_output output = {.pattern = ""};
    struct program_check check = {.fits = false};
    char directory[PATH_MAX], *preload = NULL;
    struct run_collect run;
    struct run_child child;
    pid_t server = 0;
    bool expected;
    int err, status;

    if ((request.file || !request.port) &&
        run_output_choose(&output, request.file) != 0)
        return 1;
    if (choose_directory(directory) != 0)
        return 1;
    expected = check_directory(directory);
    if (run_shim_preload(directory, &preload) != 0)
        return 1;
    check_program(request.command[0], &check);
    expected = expected && check.fits && !request.only;
    const struct run_variable variables[] = {
        {"LD_PRELOAD", check.refuses ? getenv("LD_PRELOAD") : preload},
        {"PREPROF_MODE", request.mode},
        {"PREPROF_ONLY", request.only},
        {"PREPROF_OUT", output.pattern[0] ? output.pattern : NULL},
        {"PREPROF_DIR", getenv("PREPROF_DIR") ? directory : NULL},
        {NULL, NULL},
    };
    run_collect_begin(&run, &output, directory);
    err = run_child_hold(&child, request.command, variables);
    if (err) {
        fprintf(stderr, "preprof: cannot fork: %s\n", strerror(-err));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* nobody may read us: the program runs on */
    status = start(&child, &request, &server);
    if (status)
        return status;
    status = wait_for(&child, directory, expected);
    if (server)
        run_server_end(server);
    run.first = (uint32_t)child.pid;
    run.first_killed = WIFSIGNALED(status);
    collect(&run, expected, request.only);
    free(preload);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
