/* SPDX-License-Identifier: MIT */
/* arguments.c - see arguments.h. */
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preprof.h"
#include "query.h"
#include "render_child.h"
#include "route.h"

/* Above all letters, so that optopt tells a refused letter from these. */
enum option_name {
    OPTION_PORT = 256,
    OPTION_BIND,
    OPTION_ALLOW_HOST,
    OPTION_TOKEN_FILE,
    OPTION_ROOT,
    OPTION_DIR,
    OPTION_ONLY,
    OPTION_RENDER_TIMEOUT,
    OPTION_READY_FD,
    OPTION_HELP,
    OPTION_VERSION
};

static const char help_text[] =
    "usage: preprof-server [OPTION]...\n"
    "\n"
    "A sample server in C that `go tool pprof` can look into, and the profiles "
    "of\n"
    "every process that runs under libpreprof.so.\n"
    "\n"
    "  --port N            listen on port N (8080); 0 picks a free one\n"
    "  --bind ADDRESS      listen on this IP address (127.0.0.1), where one "
    "that "
    "is\n"
    "                      not the loopback's requires a token, or on the "
    "unix\n"
    "                      socket of this absolute path\n"
    "  --allow-host NAME   requests may call us NAME; may be repeated\n"
    "  --token-file FILE   require the token in the first line of FILE\n"
    "  --root PID          show process PID at / and end with it\n"
    "  --only NAME         with --root: of all that it starts, the newest NAME\n"
    "  --dir DIR           where the segments are\n"
    "  --render-timeout S  give preprof-render S seconds for an answer (60)\n"
    "  --ready-fd FD       write the port to FD when listening\n"
    "  --help, --version\n";

static _Noreturn void usage_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static _Noreturn void usage_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("preprof-server: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; see preprof-server --help\n", stderr);
    va_end(arguments);
    exit(2);
}

static unsigned read_number(const char *option, const char *text, int64_t least,
                            int64_t most)
{
    int64_t number;

    if (query_parse_int(text, &number) != 0 || number < least || number > most)
        usage_error("%s takes a number, %" PRId64 " to %" PRId64 ", not '%s'",
                    option, least, most, text);
    return (unsigned)number;
}

static void set_address(struct arguments *arguments, const char *bind,
                        unsigned port)
{
    int error = address_parse(bind, port, &arguments->address);

    if (error == -ENAMETOOLONG)
        usage_error("--bind %s: the path is too long for a unix socket", bind);
    if (error)
        usage_error("--bind takes an IP address or an absolute path, not '%s'",
                    bind);
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
        {"port", required_argument, NULL, OPTION_PORT},
        {"bind", required_argument, NULL, OPTION_BIND},
        {"allow-host", required_argument, NULL, OPTION_ALLOW_HOST},
        {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
        {"root", required_argument, NULL, OPTION_ROOT},
        {"only", required_argument, NULL, OPTION_ONLY},
        {"dir", required_argument, NULL, OPTION_DIR},
        {"render-timeout", required_argument, NULL, OPTION_RENDER_TIMEOUT},
        {"ready-fd", required_argument, NULL, OPTION_READY_FD},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0}};
    const char *bind = "127.0.0.1";
    unsigned port = PORT_DEFAULT;
    int option;

    *arguments = (struct arguments){.ready_fd = -1,
                                    .render_timeout_s = RENDER_TIMEOUT_S};
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case OPTION_PORT:
            port = read_number("--port", optarg, 0, 65535);
            break;
        case OPTION_BIND:
            bind = optarg;
            break;
        case OPTION_ALLOW_HOST:
            add_host(arguments, optarg);
            break;
        case OPTION_TOKEN_FILE:
            arguments->token_file = optarg;
            break;
        case OPTION_ROOT:
            arguments->root = (pid_t)read_number("--root", optarg, 1, 1 << 22);
            break;
        case OPTION_ONLY:
            if (!*optarg || strlen(optarg) > PROGRAM_NAME_MAX ||
                strpbrk(optarg, "/\n"))
                usage_error("--only takes the name of a program, without a "
                            "path, not '%s'",
                            optarg);
            arguments->only = optarg;
            break;
        case OPTION_DIR:
            if (strchr(optarg, '\n'))
                usage_error("--dir takes a path without newlines");
            arguments->directory = optarg;
            break;
        case OPTION_RENDER_TIMEOUT:
            arguments->render_timeout_s =
                read_number("--render-timeout", optarg, 1, 3600);
            break;
        case OPTION_READY_FD:
            arguments->ready_fd =
                (int)read_number("--ready-fd", optarg, 3, 1 << 20);
            break;
        case OPTION_HELP:
            fputs(help_text, stdout);
            exit(0);
        case OPTION_VERSION:
            puts("preprof-server " PREPROF_VERSION);
            exit(0);
        case ':':
            usage_error("%s takes a value", argv[optind - 1]);
        default:
            if (optopt > 0 && optopt < OPTION_PORT)
                usage_error("there is no option -%c", optopt);
            usage_error("there is no option %s", argv[optind - 1]);
        }
    }
    if (optind < argc)
        usage_error("'%s' is no option", argv[optind]);
    if (arguments->only && !arguments->root)
        usage_error("--only %s needs --root", arguments->only);
    set_address(arguments, bind, port);
}
