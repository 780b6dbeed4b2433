/* SPDX-License-Identifier: MIT */
/* hello.c - see hello.h. */
#include "hello.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* The name of process `pid`, made fit to be shown. It is looked up each time:
 * a program that has just been started executes another. */
static void read_program(pid_t pid, char *name, size_t size)
{
    char path[64], link[PATH_MAX];
    ssize_t length;
    const char *slash;

    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    length = readlink(path, link, sizeof(link) - 1);
    link[length < 0 ? 0 : length] = '\0';
    slash = strrchr(link, '/');
    log_quote(slash ? slash + 1 : "a program", name, size);
}

static void write_hello(FILE *out, const struct site *site)
{
    char program[256];

    if (site_has_samples(site)) {
        fputs("Hello. This is preprof-server, a C program that pprof sees "
              "into.\n\n"
              "  /allocate      allocate 100 MiB and hold it for 60 s "
              "(?size=64MiB&hold=10)\n"
              "  /allocate2     allocate 100 MiB between two readings of "
              "MemStats\n",
              out);
    } else {
        read_program(site->root, program, sizeof(program));
        fprintf(out, "Hello. Here is %s, pid %d, seen by pprof", program,
                (int)site->root);
        if (site->only)
            fprintf(out, ":\nof all that it starts, the newest %s", site->only);
        fputs(".\n\n", out);
    }
    fputs("  /debug/pprof/  its profiles\n"
          "  /debug/vars    its MemStats, as JSON\n"
          "  /pid/          the other processes that have a profile\n\n",
          out);
    if (site->socket)
        fprintf(out,
                "  curl --unix-socket %s %s/debug/pprof/heap >heap.pb.gz\n"
                "  go tool pprof -top heap.pb.gz\n",
                site->socket, site->url);
    else
        fprintf(out, "  go tool pprof -top %s/debug/pprof/heap\n", site->url);
    if (site->unprofiled)
        fprintf(out, "\n%s\n", site->unprofiled);
}

void hello_reply(struct reply *reply, const struct site *site)
{
    FILE *out = reply_begin(reply, 200, TEXT_PLAIN);

    if (out)
        write_hello(out, site);
    reply_end(reply, out);
}
