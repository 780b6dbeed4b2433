/* SPDX-License-Identifier: MIT */
/*
 * run_main.c - preprof-run: one program under the shim, from start to summary.
 *
 * Starts the program with the shim preloaded, passes signals on, waits, keeps
 * what killed processes left behind, and says on stderr what was counted. The
 * program's stdin, stdout and terminal are its own; the exit status is the
 * program's, or 128 + N when signal N killed it. `preprof run` is this.
 *
 * Every process writes FILE.PID (PREPROF_OUT) and at the end the first one's
 * file becomes FILE; a FILE with %p in it is used as it is.
 * Read next: run_collect.h, shim/options.h.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preprof.h"
#include "run_collect.h"

#define SHIM_NAME "libpreprof.so"

/* As a shell says it of a program that is not there. */
#define STATUS_NOT_STARTED 127

struct request {
    const char *mode;
    const char *file; /* as given, or NULL */
    char **command;
};

static pid_t child;

static const char usage_text[] =
    "usage: preprof-run [--mode off|sample[=SIZE]|exact] [-o FILE] "
    "[--] PROG [ARG...]\n";

static _Noreturn void fail(int status, const char *what, const char *detail)
{
    fprintf(stderr, "preprof: %s%s\n", what, detail);
    exit(status);
}

static struct request parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"mode", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0}};
    struct request request = {.mode = "exact"};
    int option;

    /* '+': the program's options are the program's */
    while ((option = getopt_long(argc, argv, "+o:", options, NULL)) != -1) {
        switch (option) {
        case 'm':
            request.mode = optarg;
            break;
        case 'o':
            request.file = optarg;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        case 'v':
            puts("preprof " PREPROF_VERSION);
            exit(0);
        default:
            fputs(usage_text, stderr);
            exit(2);
        }
    }
    if (optind == argc) {
        fprintf(stderr, "preprof: run: which program?\n%s", usage_text);
        exit(2);
    }
    if (strcmp(request.mode, "off") != 0 &&
        strcmp(request.mode, "exact") != 0 &&
        strncmp(request.mode, "sample", 6) != 0)
        fail(2, "--mode takes off, sample[=SIZE] or exact, not ", request.mode);
    request.command = argv + optind;
    return request;
}

/* The shim beside this program. */
static void find_shim(char shim[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", shim, PATH_MAX - 1);
    char *slash;

    if (length < 0)
        fail(1, "/proc/self/exe: ", strerror(errno));
    shim[length] = '\0';
    slash = strrchr(shim, '/');
    if (snprintf(slash + 1, (size_t)(shim + PATH_MAX - slash - 1), "%s",
                 SHIM_NAME) >= shim + PATH_MAX - slash - 1)
        fail(1, "path too long: ", shim);
    if (access(shim, R_OK) != 0)
        fail(1, "the shim is missing (run make): ", shim);
    if (strpbrk(shim, ": "))
        fail(1, "the loader splits LD_PRELOAD at spaces and colons; move "
                "preprof to a path without them: ",
             shim);
}

static void set_environment(const char *shim, const char *mode,
                            const char *pattern)
{
    const char *others = getenv("LD_PRELOAD");
    char *preload = NULL;

    if (asprintf(&preload, "%s%s%s", shim, others && *others ? ":" : "",
                 others ? others : "") < 0)
        fail(1, "out of memory", "");
    if (setenv("LD_PRELOAD", preload, 1) != 0 ||
        setenv("PREPROF_MODE", mode, 1) != 0 ||
        setenv("PREPROF_OUT", pattern, 1) != 0)
        fail(1, "out of memory", "");
    free(preload);
}

/* Where the profiles go, absolute, with %p for the pid. */
static void choose_pattern(const char *file, char pattern[PATH_MAX])
{
    char directory[PATH_MAX];
    int length;

    if (!file)
        file = "%n.%p.preprof";
    if (!getcwd(directory, sizeof(directory)))
        fail(1, "the current directory: ", strerror(errno));
    length = snprintf(pattern, PATH_MAX, "%s%s%s%s",
                      file[0] == '/' ? "" : directory,
                      file[0] == '/' ? "" : "/", file,
                      strstr(file, "%p") ? "" : ".%p");
    if (length >= PATH_MAX)
        fail(1, "path too long: ", file);
    /* A missing directory is found out now, not after hours of running. */
    snprintf(directory, sizeof(directory), "%s", pattern);
    *strrchr(directory, '/') = '\0';
    if (!strchr(directory, '%') && access(directory, W_OK) != 0)
        fail(1, directory, ": no profile can be written there");
}

/* The terminal sends its signals to the program itself; only what somebody
 * sent to us alone is passed on. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code <= 0 && child > 0)
        kill(child, number);
}

static void handle_signals(void)
{
    static const int passed[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_sigaction = pass_on,
                               .sa_flags = SA_SIGINFO | SA_RESTART};

    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        sigaction(passed[i], &action, NULL);
}

static _Noreturn void start(char **command)
{
    execvp(command[0], command);
    fprintf(stderr, "preprof: %s: %s\n", command[0], strerror(errno));
    _exit(STATUS_NOT_STARTED);
}

int main(int argc, char **argv)
{
    struct request request = parse(argc, argv);
    char shim[PATH_MAX], pattern[PATH_MAX];
    struct run_collect run;
    int status = 0;

    find_shim(shim);
    choose_pattern(request.file, pattern);
    run_collect_begin(&run, pattern);
    child = fork();
    if (child < 0)
        fail(1, "fork: ", strerror(errno));
    if (child == 0) {
        set_environment(shim, request.mode, pattern);
        start(request.command);
    }
    handle_signals();
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_STARTED)
        return STATUS_NOT_STARTED;
    run_collect_killed(&run);
    run_collect_report(&run, (uint32_t)child,
                       request.file && !strstr(request.file, "%p")
                           ? request.file
                           : NULL);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
