/* SPDX-License-Identifier: MIT */
/*
 * forks.c - allocates 101 blocks of 1009 bytes, then does with processes what
 * its argument says, and exits with status 0 when all went well:
 *
 *   fork _Fork sysfork clone clone3
 *               a child made that way frees 30 of the blocks, allocates 7 of 37
 *               bytes and ends by _exit
 *   vfork       the child allocates 7 blocks of 37 bytes that the parent frees
 *   spawn system
 *               /bin/true as a child
 *   exec PROGRAM ARG...
 *               executes it with the environment as it is
 *   execenv PROGRAM NAME=VALUE...
 *               executes it with nothing else in its environment
 *   daemon      forks twice, leaves session and directory, closes everything;
 *               the daemon allocates 7 blocks of 37 bytes
 *   torture N   the same with N processes of every kind, vfork and spawn too;
 *               says how often this process allocated in the storm
 *   storm       50 forks while 3 threads allocate, with handlers of
 *               pthread_atfork that allocate; each child allocates too
 *
 * It must not allocate otherwise: no stdio.
 */
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORM_THREADS 3
#define STORM_FORKS   50

extern char **environ;

static void *kept[101];
static void *volatile small[7];
static volatile int stop;

static void allocate_small(void)
{
    void *aligned = NULL;

    if (posix_memalign(&aligned, sizeof(void *), 37) != 0)
        _exit(1);
    small[0] = aligned;
    for (int i = 1; i < 7; i++)
        small[i] = malloc(37);
}

static int wait_for(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, __WALL) != pid)
        return 1;
    return status != 0;
}

static pid_t fork_by(const char *how)
{
    struct clone_args args = {.exit_signal = SIGCHLD};

    if (strcmp(how, "fork") == 0)
        return fork();
    if (strcmp(how, "_Fork") == 0)
        return _Fork();
    if (strcmp(how, "sysfork") == 0)
        return (pid_t)syscall(SYS_fork);
    if (strcmp(how, "clone") == 0)
        return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int run_fork(const char *how)
{
    pid_t pid = fork_by(how);

    if (pid == 0) {
        for (int i = 0; i < 30; i++)
            free(kept[i]);
        allocate_small();
        _exit(0);
    }
    return wait_for(pid);
}

static int run_vfork(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        allocate_small();
        _exit(0);
    }
    for (int i = 0; i < 7; i++)
        free(small[i]);
    return wait_for(pid);
}

static int run_spawn(void)
{
    char name[] = "true", *arguments[] = {name, NULL};
    pid_t pid;

    if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0)
        return 1;
    return wait_for(pid);
}

static int run_daemon(void)
{
    pid_t pid = fork();

    if (pid != 0)
        return wait_for(pid);
    if (setsid() < 0)
        _exit(1);
    pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    if (chdir("/") != 0 || close_range(0, ~0u, 0) != 0)
        _exit(1);
    allocate_small();
    return 0;
}

static unsigned long pairs; /* of this process */

static void allocate_and_free(void)
{
    for (size_t size = 1; size < 3000; size = size * 3 + 7) {
        void *volatile block = malloc(size);

        free(block);
        __atomic_fetch_add(&pairs, 1, __ATOMIC_RELAXED);
    }
}

static void *allocate_until_stopped(void *unused)
{
    while (!stop)
        allocate_and_free();
    return unused;
}

/* A child that libc has not prepared must not allocate: a lock may be held. */
static int storm_by(const char *how)
{
    pid_t pid;

    if (strcmp(how, "spawn") == 0)
        return run_spawn();
    pid = strcmp(how, "vfork") == 0 ? vfork() : fork_by(how);
    if (pid == 0) {
        if (strcmp(how, "fork") == 0 || strcmp(how, "vfork") == 0)
            allocate_and_free();
        _exit(0);
    }
    return wait_for(pid);
}

static int run_storm(int processes, const char *const *kinds, int kind_count)
{
    pthread_t threads[STORM_THREADS];
    int failed = 0;

    pthread_atfork(allocate_and_free, allocate_and_free, allocate_and_free);
    for (int i = 0; i < STORM_THREADS; i++)
        if (pthread_create(&threads[i], NULL, allocate_until_stopped, NULL))
            return 1;
    for (int i = 0; i < processes; i++)
        failed |= storm_by(kinds[i % kind_count]);
    stop = 1;
    for (int i = 0; i < STORM_THREADS; i++)
        pthread_join(threads[i], NULL);
    return failed;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"fork",  "_Fork",  "sysfork", "clone",
                                        "vfork", "clone3", "spawn"};
    const char *how = argc > 1 ? argv[1] : "fork";

    for (int i = 0; i < 101; i++)
        kept[i] = malloc(1009);
    if (strcmp(how, "vfork") == 0)
        return run_vfork();
    if (strcmp(how, "spawn") == 0)
        return run_spawn();
    if (strcmp(how, "system") == 0)
        return system("/bin/true");
    if (strcmp(how, "exec") == 0 && argc > 2)
        return execv(argv[2], argv + 2);
    if (strcmp(how, "execenv") == 0 && argc > 2)
        return execve(argv[2], (char *[]){argv[2], NULL}, argv + 3);
    if (strcmp(how, "daemon") == 0)
        return run_daemon();
    if (strcmp(how, "storm") == 0)
        return run_storm(STORM_FORKS, kinds, 1);
    if (strcmp(how, "torture") == 0 && argc > 2) {
        int failed = run_storm(atoi(argv[2]), kinds, 7);

        dprintf(1, "did %lu\n", pairs);
        return failed;
    }
    return run_fork(how);
}
