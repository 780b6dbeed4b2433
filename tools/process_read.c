/* SPDX-License-Identifier: MIT */
/* process_read.c - see process_read.h. */
#include "process_read.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int process_stat_parse(const char *text, struct process_stat *stat)
{
    const char *name_end = strrchr(text, ')'); /* a name may have some, too */

    return name_end &&
                   sscanf(name_end + 1,
                          " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                          "%*s %*s %*s %*s %*s %*s %" SCNu64 " %*s %" SCNu64,
                          &stat->state, &stat->threads, &stat->start_time) == 3
               ? 0
               : -EINVAL;
}

uint64_t process_start_time(uint32_t pid)
{
    struct process_stat stat;
    char path[64], line[1024];
    int err = -ESRCH;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fgets(line, sizeof(line), file))
        err = process_stat_parse(line, &stat);
    fclose(file);
    if (err || stat.state == 'X' || (stat.state == 'Z' && stat.threads <= 1))
        return 0;
    return stat.start_time;
}

/* Whether the path at the end of a line of /proc/PID/maps has that last part;
 * the kernel adds " (deleted)" to a file that has lost its name. */
static bool line_ends_in(const char *line, const char *name)
{
    const char *slash = strrchr(line, '/');
    size_t length = strlen(name);

    return slash && strncmp(slash + 1, name, length) == 0 &&
           (slash[1 + length] == '\n' || slash[1 + length] == ' ');
}

int process_maps(uint32_t pid, const char *name)
{
    char path[64], *line = NULL;
    size_t room = 0;
    bool any = false;
    int found = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%u/maps", pid);
    maps = fopen(path, "re");
    if (!maps)
        return -errno;
    while (!found && getline(&line, &room, maps) > 0) {
        any = true;
        found = line_ends_in(line, name);
    }
    free(line);
    fclose(maps);
    /* A main thread that ended before the others has none to show. */
    return any ? found : -ESRCH;
}

int process_name(uint32_t pid, char name[PROCESS_NAME_SIZE])
{
    char path[64];
    size_t length;
    FILE *comm;

    snprintf(path, sizeof(path), "/proc/%u/comm", pid);
    comm = fopen(path, "re");
    if (!comm)
        return -errno;
    length = fread(name, 1, PROCESS_NAME_SIZE, comm);
    fclose(comm);
    if (length == 0 || name[length - 1] != '\n')
        return -ESRCH;
    name[length - 1] = '\0';
    return 0;
}

int process_users(uint32_t pid, struct process_users *users)
{
    char path[64], line[256];
    int err = -EPROTO;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%u/status", pid);
    status = fopen(path, "re");
    if (!status)
        return -errno;
    while (err && fgets(line, sizeof(line), status))
        if (sscanf(line, "Uid: %u %u", &users->real, &users->effective) == 2)
            err = 0;
    fclose(status);
    return err;
}

bool process_namespace_is_ours(uint32_t pid_namespace)
{
    struct stat status;

    return pid_namespace == 0 || stat("/proc/self/ns/pid", &status) != 0 ||
           (uint32_t)status.st_ino == pid_namespace;
}

bool process_is_gone(uint32_t pid, uint64_t start_time)
{
    uint64_t running = process_start_time(pid);

    /* Others' processes may be hidden from /proc (hidepid), but not from
     * kill(). */
    return (running && running != start_time) ||
           (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}
