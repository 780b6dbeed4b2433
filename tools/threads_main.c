/* SPDX-License-Identifier: MIT */
/*
 * threads_main.c - preprof-threads: where the threads of a process are.
 *
 * Of any process that one may read, whether it runs under the shim or not.
 * Read next: thread_dump.h, thread_table.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_error.h"
#include "profile_from_threads.h"
#include "thread_record.h"
#include "thread_table.h"

static int fail(const char *pid, const char *why)
{
    fprintf(stderr, "preprof threads: process %s: %s\n", pid, why);
    return 1;
}

static pid_t parse_pid(const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);

    if (*end || pid <= 0 || pid > INT32_MAX) {
        fprintf(stderr, "preprof threads: '%s' is no process id\n", text);
        exit(2);
    }
    return (pid_t)pid;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    struct symbolizer *symbolizer;
    struct profile *profile;
    struct thread_dump *dump;
    int option, err;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        option_error("threads", option, argv);
    if (optind + 1 != argc) {
        fprintf(stderr, "preprof threads: which process? usage: preprof "
                        "threads PID\n");
        return 2;
    }
    err = thread_dump_take(parse_pid(argv[optind]), &dump);
    if (err == -ESRCH)
        return fail(argv[optind], "there is none, or it has ended");
    if (err)
        return fail(argv[optind], strerror(-err));
    err = thread_record_add(dump, NULL, true);
    symbolizer = err ? NULL : symbolizer_new();
    profile = symbolizer ? profile_from_threads(dump, symbolizer,
                                                profile_kind_find("goroutine"))
                         : NULL;
    if (!profile)
        return fail(argv[optind], "out of memory");
    err = thread_table_write(dump, profile, stdout);
    if (!err && fflush(stdout) != 0)
        err = -errno;
    if (err)
        fail(argv[optind], strerror(-err));
    else if (dump->advice)
        fprintf(stderr, "preprof threads: %s\n", dump->advice);
    err = err || dump->refusal;
    profile_free(profile);
    symbolizer_free(symbolizer);
    thread_dump_free(dump);
    return err;
}
