/* SPDX-License-Identifier: MIT */
/* hello.c - see hello.h. */
#include "hello.h"

#include <stdio.h>

static void write_hello(FILE *out, const struct site *site)
{
    if (site_has_samples(site)) {
        fputs("Hello. This is preprof-server, a C program that pprof sees "
              "into.\n\n"
              "  /allocate      allocate 100 MiB and hold it for 60 s "
              "(?size=64MiB&hold=10)\n"
              "  /allocate2     allocate 100 MiB between two readings of "
              "MemStats\n",
              out);
    } else {
        fprintf(out, "Hello. Here is %s, pid %d, seen by pprof.\n\n",
                site->program, (int)site->root);
    }
    fprintf(out,
            "  /debug/pprof/  its profiles\n"
            "  /debug/vars    its MemStats, as JSON\n"
            "  /pid/          the other processes that have a profile\n\n"
            "  go tool pprof -top %s/debug/pprof/heap\n",
            site->url);
    if (site_has_samples(site))
        fprintf(out,
                "  go tool pprof -list allocate_handler %s/debug/pprof/heap\n",
                site->url);
    if (site->unprofiled)
        fprintf(out, "\n%s\n", site->unprofiled);
}

void hello_reply(struct reply *reply, const struct site *site)
{
    char *body = NULL;
    size_t size;
    FILE *out = open_memstream(&body, &size);

    if (out)
        write_hello(out, site);
    if (!out || fclose(out) != 0)
        reply_line(reply, 503, "out of memory");
    else
        reply_body(reply, TEXT_PLAIN, body, size);
}
