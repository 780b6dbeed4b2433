/* SPDX-License-Identifier: MIT */
/* process_tasks.c - see process_tasks.h. */
#include "process_tasks.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    uint32_t x = ((const struct process_task *)a)->tid;
    uint32_t y = ((const struct process_task *)b)->tid;

    return (x > y) - (x < y);
}

static bool add(struct process_tasks *tasks, uint32_t tid)
{
    if (tasks->count == tasks->room) {
        size_t room = tasks->room ? 2 * tasks->room : 64;
        void *grown = realloc(tasks->list, room * sizeof(*tasks->list));

        if (!grown)
            return false;
        tasks->list = grown;
        tasks->room = room;
    }
    tasks->list[tasks->count++] = (struct process_task){.tid = tid};
    return true;
}

int process_tasks_read(uint32_t pid, struct process_tasks *tasks)
{
    char path[64];
    const struct dirent *entry;
    DIR *directory;
    int err = 0;

    tasks->count = 0;
    snprintf(path, sizeof(path), "/proc/%u/task", pid);
    directory = opendir(path);
    if (!directory)
        return errno == ENOMEM ? -ENOMEM : -ESRCH;
    while (!err && (entry = readdir(directory))) {
        uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);

        if (tid && !add(tasks, tid))
            err = -ENOMEM;
    }
    closedir(directory);
    if (tasks->count)
        qsort(tasks->list, tasks->count, sizeof(*tasks->list), compare);
    return err;
}

static bool read_status(uint32_t pid, int signal, struct process_task *task)
{
    char path[64], line[256], state = 0;
    uint64_t blocked = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/task/%u/status", pid, task->tid);
    file = fopen(path, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof(line), file) &&
           sscanf(line, "SigBlk: %" SCNx64, &blocked) != 1)
        (void)sscanf(line, "State: %c", &state);
    fclose(file);
    task->running = state == 'R';
    task->blocks = blocked >> (signal - 1) & 1;
    return state != 0 && state != 'Z' && state != 'X';
}

static void read_cpu_time(uint32_t pid, struct process_task *task)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/task/%u/schedstat", pid, task->tid);
    file = fopen(path, "re");
    if (!file)
        return;
    if (fscanf(file, "%" SCNu64, &task->cpu_ns) != 1)
        task->cpu_ns = 0;
    fclose(file);
}

bool process_task_read(uint32_t pid, int signal, struct process_task *task)
{
    if (!read_status(pid, signal, task))
        return false;
    read_cpu_time(pid, task);
    return true;
}

const struct process_task *process_tasks_find(const struct process_tasks *tasks,
                                              uint32_t tid)
{
    const struct process_task wanted = {.tid = tid};

    return tasks->count ? bsearch(&wanted, tasks->list, tasks->count,
                                  sizeof(wanted), compare)
                        : NULL;
}

void process_tasks_free(struct process_tasks *tasks)
{
    free(tasks->list);
    *tasks = (struct process_tasks){.list = NULL};
}
