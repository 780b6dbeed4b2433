/* SPDX-License-Identifier: MIT */
/*
 * main.c - preprof-server, from its command line to an orderly end.
 *
 * Starts itself under the shim, binds, says where it is to be found, and runs
 * the loop. Read next: server.h (the parts), conn.h (a client), route.h (what
 * is answered).
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "arguments.h"
#include "log.h"
#include "preload.h"
#include "server.h"
#include "token.h"

#define RENDER_NAME "preprof-render"

static _Noreturn void fail(const char *what, const char *why)
{
    log_line("%s: %s", what, why);
    exit(1);
}

static void check(const char *what, int error)
{
    if (error)
        fail(what, uv_strerror(error));
}

static void set_access(struct access_rules *access,
                       const struct arguments *arguments)
{
    const struct address *address = &arguments->address;
    const char *wrong;

    address_host(address, access->address);
    access->any_address = address_is_any(address);
    memcpy(access->hosts, arguments->hosts, sizeof(access->hosts));
    access->host_count = arguments->host_count;
    if (arguments->token_file) {
        wrong = token_read(arguments->token_file, access->token);
        if (wrong)
            fail(arguments->token_file, wrong);
    } else if (!address_is_loopback(address)) {
        check("a random token", token_generate(access->token));
    }
}

static void set_site(struct site *site, const struct arguments *arguments,
                     const char *unprofiled)
{
    site->self = getpid();
    site->root = arguments->root ? arguments->root : site->self;
    site->only = arguments->only;
    site->directory = arguments->directory;
    site->unprofiled = unprofiled;
    if (arguments->address.any.sa_family == AF_UNIX)
        site->socket = arguments->address.local.sun_path;
    address_url(&arguments->address, site->url);
}

static void announce(const struct server *server,
                     const struct arguments *arguments)
{
    const struct site *site = &server->site;
    unsigned port = address_port(&arguments->address);
    char now[64];
    time_t seconds = time(NULL);
    struct tm utc;

    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    fprintf(stderr, "Server starting at %s\n", now);
    if (site->socket)
        fprintf(stderr, "Server is running on socket: %s\n", site->socket);
    else
        fprintf(stderr, "Server is running on port: %u\n", port);
    fprintf(stderr, "Profiling Data => %s/debug/pprof/\n", site->url);
    if (server->access.token[0] && !arguments->token_file)
        fprintf(stderr, "Token: %s\n", server->access.token);
    if (site->unprofiled)
        log_line("%s", site->unprofiled);
    if (arguments->ready_fd >= 0) {
        if (dprintf(arguments->ready_fd, "%u\n", port) < 0)
            fail("--ready-fd", strerror(errno));
        (void)close(arguments->ready_fd);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    server_stop(handle->data);
}

static void on_root_ended(void *server)
{
    server_stop(server);
}

static void start(struct server *server, const struct arguments *arguments,
                  int listening)
{
    char render[PATH_MAX];

    check("libuv", uv_timer_init(server->loop, &server->end));
    check("libuv", uv_signal_init(server->loop, &server->terminate));
    check("libuv", uv_signal_init(server->loop, &server->interrupt));
    server->end.data = server;
    server->terminate.data = server;
    server->interrupt.data = server;
    check("SIGTERM", uv_signal_start(&server->terminate, on_signal, SIGTERM));
    check("SIGINT", uv_signal_start(&server->interrupt, on_signal, SIGINT));
    /* They stay: once closed, a second signal would kill us at the end. */
    uv_unref((uv_handle_t *)&server->terminate);
    uv_unref((uv_handle_t *)&server->interrupt);
    server->allocate.loop = server->loop;
    server->allocate.url = server->site.url;
    check(RENDER_NAME, preload_beside(RENDER_NAME, render, sizeof(render)));
    check(RENDER_NAME, render_child_init(&server->render, server->loop, render,
                                         arguments->render_timeout_s));
    server->windows.loop = server->loop;
    server->windows.render = &server->render;
    server->watch.fd = -1;
    if (arguments->root) {
        char option[32];

        snprintf(option, sizeof(option), "--root %d", (int)arguments->root);
        check(option, watch_start(&server->watch, server->loop, arguments->root,
                                  on_root_ended, server));
    }
    check("listening", listener_start(&server->listener, server, listening,
                                      &arguments->address));
}

int main(int argc, char **argv)
{
    static struct server server;
    static struct arguments arguments;
    const char *unprofiled;
    int listening;

    arguments_read(&arguments, argc, argv);
    unprofiled = preload_self(argv, arguments.directory);
    set_access(&server.access, &arguments);
    listening = listener_bind(&arguments.address);
    if (listening < 0) {
        char where[ADDRESS_TEXT_MAX];

        address_text(&arguments.address, where);
        fail(where, strerror(-listening));
    }
    signal(SIGPIPE, SIG_IGN);
    /* what we were given, --ready-fd too, is not for preprof-render */
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        uv_disable_stdio_inheritance();
    server.loop = uv_default_loop();
    if (!server.loop)
        fail("libuv", "no loop");
    set_site(&server.site, &arguments, unprofiled);
    start(&server, &arguments, listening);
    announce(&server, &arguments);
    (void)uv_run(server.loop, UV_RUN_DEFAULT);
    return 0;
}
