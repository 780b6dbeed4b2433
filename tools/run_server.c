/* SPDX-License-Identifier: MIT */
/* run_server.c - see run_server.h. */
#include "run_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run_shim.h"

#define SERVER_NAME "preprof-server"

/* The server's side of the fork. */
static _Noreturn void exec_server(const char *path,
                                  const struct run_server_site *site, int ready,
                                  pid_t parent, const sigset_t *signals)
{
    char pid[16], fd[16];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    snprintf(pid, sizeof(pid), "%d", (int)site->program);
    snprintf(fd, sizeof(fd), "%d", ready);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || setpgid(0, 0) != 0 || null < 0 ||
        dup2(null, 0) < 0 || dup2(2, 1) < 0 || fcntl(ready, F_SETFD, 0) != 0)
        _exit(1);
    sigprocmask(SIG_SETMASK, signals, NULL);
    execl(path, SERVER_NAME, "--port", site->port, "--root", pid, "--ready-fd",
          fd, site->only ? "--only" : (char *)NULL, site->only, (char *)NULL);
    fprintf(stderr, "preprof: %s: %s\n", path, strerror(errno));
    _exit(1);
}

/* Whether it says that it listens, rather than nothing or its end. */
static bool wait_ready(int ready)
{
    struct pollfd wait = {.fd = ready, .events = POLLIN};
    char port[16];

    if (poll(&wait, 1, RUN_SERVER_START_MS) == 1)
        return read(ready, port, sizeof(port)) > 0;
    fprintf(stderr, "preprof: %s does not start\n", SERVER_NAME);
    return false;
}

pid_t run_server_start(const struct run_server_site *site,
                       const sigset_t *signals)
{
    char path[PATH_MAX];
    int ready[2], err = run_beside(SERVER_NAME, path);
    pid_t parent = getpid(), server;
    bool listens;

    if (!err && pipe2(ready, O_CLOEXEC) != 0)
        err = -errno;
    if (err) {
        fprintf(stderr, "preprof: %s: %s\n", path, strerror(-err));
        return err;
    }
    server = fork();
    if (server == 0)
        exec_server(path, site, ready[1], parent, signals);
    close(ready[1]);
    listens = server > 0 && wait_ready(ready[0]);
    close(ready[0]);
    if (listens)
        return server;
    if (server > 0)
        run_server_end(server);
    return -ECHILD;
}

void run_server_end(pid_t server)
{
    static const struct timespec pause = {0, 10000000};

    kill(server, SIGTERM);
    for (int waited = 0; waitpid(server, NULL, WNOHANG) == 0; waited += 10) {
        if (waited == RUN_SERVER_END_MS)
            kill(server, SIGKILL);
        nanosleep(&pause, NULL);
    }
}
