/* SPDX-License-Identifier: MIT */
/* arguments.c - see arguments.h. */
#include "arguments.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprof.h"
#include "query.h"
#include "render_child.h"

static const char help_text[] =
    "usage: preprof-server [OPTION]...\n"
    "\n"
    "A sample server in C that `go tool pprof` can look into, and the profiles "
    "of\n"
    "every process that runs under libpreprof.so.\n"
    "\n"
    "  --port N            listen on port N (8080); 0 picks a free one\n"
    "  --bind ADDRESS      listen on this IP address (127.0.0.1); one that is "
    "not\n"
    "                      the loopback's requires a token\n"
    "  --allow-host NAME   requests may call us NAME; may be repeated\n"
    "  --token-file FILE   require the token in the first line of FILE\n"
    "  --root PID          show process PID at / and end with it\n"
    "  --dir DIR           where the segments are\n"
    "  --render-timeout S  give preprof-render S seconds for an answer (60)\n"
    "  --ready-fd FD       write the port to FD when listening\n"
    "  --help, --version\n";

static _Noreturn void usage_error(const char *format, const char *detail)
{
    fputs("preprof-server: ", stderr);
    fprintf(stderr, format, detail);
    fputs("; see preprof-server --help\n", stderr);
    exit(2);
}

static unsigned read_number(const char *option, const char *text, int64_t least,
                            int64_t most)
{
    char detail[128];
    int64_t number;

    if (query_parse_int(text, &number) == 0 && number >= least &&
        number <= most)
        return (unsigned)number;
    snprintf(detail, sizeof(detail),
             "%s takes a number, %" PRId64 " to %" PRId64 ", not '%.20s'",
             option, least, most, text);
    usage_error("%s", detail);
}

static void set_address(struct arguments *arguments, unsigned port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&arguments->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&arguments->address;

    memset(&arguments->address, 0, sizeof(arguments->address));
    if (inet_pton(AF_INET, arguments->bind, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, arguments->bind, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
    } else {
        usage_error("--bind takes an IP address, not '%s'", arguments->bind);
    }
}

static void add_host(struct arguments *arguments, const char *name)
{
    if (arguments->host_count == ACCESS_HOSTS_MAX)
        usage_error("--allow-host %s is one too many", name);
    arguments->hosts[arguments->host_count++] = name;
}

void arguments_read(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"bind", required_argument, NULL, 'b'},
        {"allow-host", required_argument, NULL, 'a'},
        {"token-file", required_argument, NULL, 't'},
        {"root", required_argument, NULL, 'r'},
        {"dir", required_argument, NULL, 'd'},
        {"render-timeout", required_argument, NULL, 's'},
        {"ready-fd", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0}};
    unsigned port = PORT_DEFAULT;
    int option;

    *arguments = (struct arguments){.bind = "127.0.0.1",
                                    .ready_fd = -1,
                                    .render_timeout_s = RENDER_TIMEOUT_S};
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = read_number("--port", optarg, 0, 65535);
            break;
        case 'b':
            arguments->bind = optarg;
            break;
        case 'a':
            add_host(arguments, optarg);
            break;
        case 't':
            arguments->token_file = optarg;
            break;
        case 'r':
            arguments->root = (pid_t)read_number("--root", optarg, 1, 1 << 22);
            break;
        case 'd':
            if (strchr(optarg, '\n'))
                usage_error("--dir takes a path without newlines%s", "");
            arguments->directory = optarg;
            break;
        case 's':
            arguments->render_timeout_s =
                read_number("--render-timeout", optarg, 1, 3600);
            break;
        case 'f':
            arguments->ready_fd =
                (int)read_number("--ready-fd", optarg, 3, 1 << 20);
            break;
        case 'h':
            fputs(help_text, stdout);
            exit(0);
        case 'v':
            puts("preprof-server " PREPROF_VERSION);
            exit(0);
        case ':':
            usage_error("%s takes a value", argv[optind - 1]);
        default:
            usage_error("there is no option %s", argv[optind - 1]);
        }
    }
    if (optind < argc)
        usage_error("'%s' is no option", argv[optind]);
    set_address(arguments, port);
}
