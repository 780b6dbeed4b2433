/* SPDX-License-Identifier: MIT */
/*
 * process_read.h - what /proc says of a process. Read next: segment_find.h.
 */
#ifndef PREPROF_PROCESS_READ_H
#define PREPROF_PROCESS_READ_H

#include <stdbool.h>
#include <stdint.h>

/* Of /proc/PID/stat, or of one of a thread. */
struct process_stat {
    char state;
    uint64_t threads;
    uint64_t start_time; /* in clock ticks since boot */
};

/* Returns 0, or -EINVAL when that is not what the text is. */
int process_stat_parse(const char *text, struct process_stat *stat);

/* Field 22 of /proc/PID/stat, in clock ticks since boot: with the pid it names
 * a process for as long as the machine is up. 0 when there is none, or it is a
 * zombie: all its threads have ended, not just the main one. */
uint64_t process_start_time(uint32_t pid);

/*
 * Whether the live process maps a file of that name, its path aside: 1 or 0.
 * Where its mappings are hidden from us (another user's, or setuid) -errno.
 */
int process_maps(uint32_t pid, const char *name);

/* Writes the name of a process's main thread: at first that by which its
 * program was started, without a path. Returns 0 or -errno. */
#define PROCESS_NAME_SIZE 16 /* the kernel keeps no more */
int process_name(uint32_t pid, char name[PROCESS_NAME_SIZE]);

/* Who a process is, which everybody may see; 0 or -errno. */
struct process_users {
    uint32_t real, effective;
};
int process_users(uint32_t pid, struct process_users *users);

/* Whether pids of a namespace (the inode of /proc/PID/ns/pid; 0: not known)
 * mean something to us. */
bool process_namespace_is_ours(uint32_t pid_namespace);

/* Whether a process of our namespace is gone for sure: its pid is free or
 * another's. A zombie is not gone. */
bool process_is_gone(uint32_t pid, uint64_t start_time);

#endif
