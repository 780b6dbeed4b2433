/* SPDX-License-Identifier: MIT */
/*
 * process_tasks.h - the threads of a process: which run, which block a signal,
 * and the CPU time of each, by /proc.
 *
 * Must never stop, signal or change a thread. Read next: cpu_request.c.
 */
#ifndef PREPROF_PROCESS_TASKS_H
#define PREPROF_PROCESS_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_task {
    uint32_t tid;
    bool running; /* or would, if it had a CPU */
    bool blocks;  /* the signal asked about */
    uint64_t cpu_ns;
};

struct process_tasks {
    struct process_task *list; /* by tid */
    size_t count, room;
};

/* Reads the threads' ids. A list that was read before is reused. Returns 0,
 * -ESRCH or -ENOMEM. */
int process_tasks_read(uint32_t pid, struct process_tasks *tasks);

/* Fills in the rest of one of them; false when the thread has ended. */
bool process_task_read(uint32_t pid, int signal, struct process_task *task);

/* NULL when it is not there. */
const struct process_task *process_tasks_find(const struct process_tasks *tasks,
                                              uint32_t tid);

void process_tasks_free(struct process_tasks *tasks);

#endif
