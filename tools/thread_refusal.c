/* SPDX-License-Identifier: MIT */
/* thread_refusal.c - see thread_refusal.h. */
#include "thread_refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process_read.h"

static const char yama_file[] = "/proc/sys/kernel/yama/ptrace_scope";

enum { YAMA_DESCENDANTS = 1, YAMA_ADMIN = 2, YAMA_NOBODY = 3 };

int thread_refusal_write(const struct thread_permission *permission,
                         char **reason, char **advice)
{
    const char *why, *what;
    char text[128];

    if (permission->user != permission->we) {
        snprintf(text, sizeof(text), "it runs as uid %u, we as %u",
                 permission->user, permission->we);
        why = text;
        what = "look at it as that user, or as root";
    } else if (permission->owner != permission->user) {
        why = "it is not dumpable";
        what = "it is set-user-ID, or has called prctl(PR_SET_DUMPABLE, 0): "
               "look at it as root";
    } else if (permission->yama == YAMA_DESCENDANTS) {
        why = "Yama allows only ancestors";
        what = "start the program with `preprof run --http`, look at it as "
               "root, or set kernel.yama.ptrace_scope to 0 (sysctl)";
    } else if (permission->yama == YAMA_ADMIN) {
        why = "Yama allows only root";
        what = "look at it as root, or set kernel.yama.ptrace_scope to 0 "
               "(sysctl)";
    } else if (permission->yama == YAMA_NOBODY) {
        why = "Yama allows nobody";
        what = "kernel.yama.ptrace_scope is 3, which lasts until the next boot";
    } else {
        why = "the kernel does not allow it";
        what = "in a container, give it the capability SYS_PTRACE (docker run "
               "--cap-add=SYS_PTRACE)";
    }
    *reason = strdup(why);
    if (asprintf(advice, "the stacks of process %d cannot be read: %s; %s",
                 (int)permission->pid, why, what) < 0)
        *advice = NULL;
    return *reason && *advice ? 0 : -ENOMEM;
}

static int read_yama(void)
{
    FILE *file = fopen(yama_file, "re");
    int scope = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%d", &scope) != 1)
        scope = 0;
    fclose(file);
    return scope;
}

int thread_refusal_explain(int process, pid_t pid, char **reason, char **advice)
{
    struct process_users users;
    struct stat status;
    struct thread_permission permission = {
        .we = geteuid(),
        .yama = read_yama(),
        .pid = pid,
    };

    if (fstatat(process, "mem", &status, 0) != 0)
        return -errno;
    permission.owner = status.st_uid;
    permission.user =
        process_users((uint32_t)pid, &users) == 0 ? users.real : status.st_uid;
    return thread_refusal_write(&permission, reason, advice);
}
