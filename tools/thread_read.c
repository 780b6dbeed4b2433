/* SPDX-License-Identifier: MIT */
/* thread_read.c - see thread_read.h. */
#include "thread_read.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "printable.h"
#include "process_read.h"

#define FILE_SIZE_MAX 8192 /* `sched` has some 3 KiB */

/* ---- parsing ----------------------------------------------------------- */

/* What follows "KEY:" and blanks at the start of a line; NULL when none. */
static const char *find_value(const char *text, const char *key)
{
    size_t length = strlen(key);

    while (text && strncmp(text, key, length) != 0) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    if (!text)
        return NULL;
    text += length;
    text += strspn(text, " \t");
    if (*text++ != ':')
        return NULL;
    return text + strspn(text, " \t");
}

static int parse_count(const char *text, const char *key, uint64_t *sum)
{
    const char *value = find_value(text, key);
    uint64_t count;

    if (!value || sscanf(value, "%" SCNu64, &count) != 1)
        return -EINVAL;
    *sum += count;
    return 0;
}

int thread_status_parse(const char *text, struct thread_status *status)
{
    const char *name = find_value(text, "Name");
    const char *state = find_value(text, "State");
    size_t length;

    if (!name || !state || !*state)
        return -EINVAL;
    length = strcspn(name, "\n");
    if (length >= sizeof(status->name))
        length = sizeof(status->name) - 1;
    memcpy(status->name, name, length);
    status->name[length] = '\0';
    printable_clean(status->name, length);
    status->state = *state;
    status->switches = 0;
    if (parse_count(text, "voluntary_ctxt_switches", &status->switches) != 0)
        return -EINVAL;
    return parse_count(text, "nonvoluntary_ctxt_switches", &status->switches);
}

int thread_syscall_parse(const char *text, struct thread_syscall *call)
{
    uint64_t *arguments = call->arguments;

    *call = (struct thread_syscall){.running = false};
    if (strncmp(text, "running", 7) == 0) {
        call->running = true;
        return 0;
    }
    if (strncmp(text, "-1 ", 3) == 0) {
        call->number = -1;
        return sscanf(text, "-1 %" SCNx64 " %" SCNx64, &call->sp, &call->pc) ==
                       2
                   ? 0
                   : -EINVAL;
    }
    return sscanf(text,
                  "%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
                  " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
                  &call->number, &arguments[0], &arguments[1], &arguments[2],
                  &arguments[3], &arguments[4], &arguments[5], &call->sp,
                  &call->pc) == 9
               ? 0
               : -EINVAL;
}

int thread_last_run_parse(const char *text, uint64_t *last_run_us)
{
    const char *value = find_value(text, "se.exec_start");
    uint64_t ms, fraction;

    if (!value || sscanf(value, "%" SCNu64 ".%6" SCNu64, &ms, &fraction) != 2 ||
        ms > UINT64_MAX / 2000)
        return -EINVAL;
    *last_run_us = ms * 1000 + fraction / 1000;
    return 0;
}

int thread_start_parse(const char *text, uint64_t *ticks)
{
    struct process_stat stat;
    int err = process_stat_parse(text, &stat);

    if (!err)
        *ticks = stat.start_time;
    return err;
}

/* ---- reading ----------------------------------------------------------- */

static int read_file(int process, pid_t tid, const char *name,
                     char text[FILE_SIZE_MAX])
{
    char path[64];
    ssize_t size;
    int fd, err;

    snprintf(path, sizeof(path), "task/%d/%s", (int)tid, name);
    fd = openat(process, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size = read(fd, text, FILE_SIZE_MAX - 1);
    err = size < 0 ? -errno : 0;
    close(fd);
    text[size < 0 ? 0 : size] = '\0';
    return err;
}

int thread_status_read(int process, pid_t tid, struct thread_status *status)
{
    char text[FILE_SIZE_MAX];
    int err = read_file(process, tid, "status", text);

    return err ? err : thread_status_parse(text, status);
}

int64_t thread_restarted_call(const char *wchan)
{
    if (strstr(wchan, "futex"))
        return SYS_futex;
    if (strstr(wchan, "poll"))
        return SYS_poll;
    /* no other call is restarted so, and its own wchan has no certain name */
    return isalpha((unsigned char)*wchan) ? SYS_clock_nanosleep
                                          : SYS_restart_syscall;
}

int thread_syscall_read(int process, pid_t tid, struct thread_syscall *call)
{
    char text[FILE_SIZE_MAX];
    int err = read_file(process, tid, "syscall", text);

    if (!err)
        err = thread_syscall_parse(text, call);
    if (err || call->number != SYS_restart_syscall)
        return err;
    err = read_file(process, tid, "wchan", text);
    if (!err)
        call->number = thread_restarted_call(text);
    return err;
}

int thread_last_run_read(int process, pid_t tid, uint64_t *last_run_us)
{
    char text[FILE_SIZE_MAX];
    int err = read_file(process, tid, "sched", text);

    return err ? err : thread_last_run_parse(text, last_run_us);
}

int thread_start_read(int process, pid_t tid, uint64_t *ticks)
{
    char text[FILE_SIZE_MAX];
    int err = read_file(process, tid, "stat", text);

    return err ? err : thread_start_parse(text, ticks);
}
