/* SPDX-License-Identifier: MIT */
/* arguments.h - the command line of preprof-server. */
#ifndef PREPROF_ARGUMENTS_H
#define PREPROF_ARGUMENTS_H

#include <sys/types.h>

#include "access.h"
#include "address.h"

#define PORT_DEFAULT 8080

struct arguments {
    struct address address; /* to listen on */
    pid_t root;             /* 0: the server itself */
    const char *only;       /* at the root instead, or NULL */
    int ready_fd;           /* -1: none */
    const char *directory;  /* of segments, or NULL */
    const char *token_file; /* or NULL */
    unsigned render_timeout_s;
    const char *hosts[ACCESS_HOSTS_MAX];
    size_t host_count;
};

/* Reads them. Does not return when they are wrong (a line on stderr, status
 * 2), nor after --help and --version. */
void arguments_read(struct arguments *arguments, int argc, char **argv);

#endif
