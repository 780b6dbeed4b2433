/* SPDX-License-Identifier: MIT */
/*
 * kill_sweep.c - a process stopped or killed at any instruction of the shim has
 * left a segment that can be read, and that says what it did, no more and no
 * less.
 *
 *   kill_sweep look SHIM STEPS SCENARIO STRIDE
 *       single-steps through a scenario of steps.c and reads the segment at
 *       every STRIDEth instruction that is the shim's
 *   kill_sweep kill SHIM STEPS SCENARIO STRIDE COUNT
 *       COUNT processes, the Nth killed after N times STRIDE instructions, or
 *       what that is beyond the scenario's length, at the next one that is the
 *       shim's; the first that comes to the end tells the length, and lives
 *
 * PREPROF_DIR is where segments are, and PREPROF_MODE exact or sample=1.
 * Prints what it did; status 1 and the reason when something was wrong. Must
 * never end with a process left stopped. Read next: steps.c, segment_read.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../programs/steps.h"
#include "segment_find.h"
#include "segment_read.h"

#define STEPS_MAX 3000000 /* of one scenario; the longest has a million */

static const char *shim, *program, *scenario;
static char progress_path[] = "/tmp/preprof-steps-XXXXXX";
static struct steps_progress *progress;
static pid_t victim;
static struct { /* the shim's code in the victim */
    uint64_t start, end;
} text;

static _Noreturn void fail(const char *what, uint64_t step)
{
    fprintf(stderr, "kill_sweep: %s, step %" PRIu64 ": %s\n", scenario, step,
            what);
    if (victim > 0)
        kill(victim, SIGKILL);
    unlink(progress_path);
    exit(1);
}

/* ---- the victim -------------------------------------------------------- */

static void wait_stopped(uint64_t step)
{
    int status;

    if (waitpid(victim, &status, __WALL) != victim || !WIFSTOPPED(status))
        fail("it did not stop", step);
}

static void find_text(void)
{
    char path[64], line[4096];
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", victim);
    maps = fopen(path, "re");
    text.start = text.end = 0;
    while (maps && fgets(line, sizeof(line), maps)) {
        uint64_t start, end;
        char x;

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " r-%c", &start, &end, &x) ==
                3 &&
            x == 'x' && strstr(line, "/libpreprof.so")) {
            text.start = start;
            text.end = end;
        }
    }
    if (maps)
        fclose(maps);
    if (!text.start)
        fail("the shim is not in it", 0);
}

/* The parent of the scenario's child ends; the child is the victim. */
static void follow_child(void)
{
    unsigned long child;
    pid_t parent = victim;
    int status;

    if (ptrace(PTRACE_GETEVENTMSG, parent, NULL, &child) != 0)
        fail("no child", 0);
    ptrace(PTRACE_DETACH, parent, NULL, NULL);
    victim = (pid_t)child;
    wait_stopped(0); /* its SIGSTOP */
    if (waitpid(parent, &status, __WALL) != parent)
        fail("its parent did not end", 0);
    ptrace(PTRACE_CONT, victim, NULL, NULL);
    wait_stopped(0);
}

/* Starts a victim and lets it run to its SIGTRAP. */
static void start(void)
{
    memset(progress, 0, sizeof(*progress));
    victim = fork();
    if (victim == 0) {
        setenv("LD_PRELOAD", shim, 1);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execl(program, program, scenario, progress_path, (char *)NULL);
        _exit(127);
    }
    wait_stopped(0); /* in exec */
    ptrace(PTRACE_SETOPTIONS, victim, NULL,
           PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK);
    ptrace(PTRACE_CONT, victim, NULL, NULL);
    wait_stopped(0);
    if (strcmp(scenario, "child") == 0)
        follow_child();
    find_text();
}

static bool in_shim(void)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, victim, NULL, &registers) != 0)
        fail("no registers", 0);
    return registers.rip >= text.start && registers.rip < text.end;
}

/* One instruction; false when the process has ended or all has been seen. */
static bool step(uint64_t number)
{
    int status;

    if (progress->over) {
        kill(victim, SIGKILL);
        waitpid(victim, NULL, __WALL);
        victim = 0;
        return false;
    }
    if (ptrace(PTRACE_SINGLESTEP, victim, NULL, NULL) != 0 ||
        waitpid(victim, &status, __WALL) != victim)
        fail("cannot step", number);
    if (WIFEXITED(status)) {
        victim = 0;
        return false;
    }
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail("a signal came", number);
    return true;
}

/* ---- what it left ------------------------------------------------------ */

/* The segment of the victim, or where its profile was to be kept. */
static bool find_segment(pid_t pid, char path[PATH_MAX])
{
    const char *out = getenv("PREPROF_OUT");
    struct segment_error error;

    if (segment_find(getenv("PREPROF_DIR"), (uint32_t)pid, path, &error) == 0)
        return true;
    snprintf(path, PATH_MAX, "%s", out ? out : "");
    return out && access(out, R_OK) == 0;
}

static void check_sums(const struct segment_snapshot *snapshot, uint64_t step)
{
    struct segment_values sum = {0};

    for (uint32_t i = 1; i < snapshot->callsite_count; i++) {
        const struct segment_values *values = &snapshot->values[i];

        if (values->inuse_objects > values->alloc_objects ||
            values->inuse_space > values->alloc_space)
            fail("more in use than allocated", step);
        sum.alloc_objects += values->alloc_objects;
        sum.alloc_space += values->alloc_space;
        sum.inuse_objects += values->inuse_objects;
        sum.inuse_space += values->inuse_space;
    }
    if (sum.alloc_objects != snapshot->total.alloc_objects ||
        sum.alloc_space != snapshot->total.alloc_space ||
        sum.inuse_objects != snapshot->total.inuse_objects ||
        sum.inuse_space != snapshot->total.inuse_space)
        fail("the total is not the sum", step);
}

/* What was counted lies between what is done and what has begun. */
static void check_counts(const struct segment_snapshot *snapshot, uint64_t step)
{
    const struct segment_values *total = &snapshot->total;
    uint64_t frees = total->alloc_objects - total->inuse_objects;
    char line[256];

    if (total->alloc_objects >= progress->allocs_done &&
        total->alloc_objects <= progress->allocs_begun &&
        frees >= progress->frees_done && frees <= progress->frees_begun)
        return;
    snprintf(line, sizeof(line),
             "%" PRIu64 " allocations of %" PRIu64 "-%" PRIu64 ", %" PRIu64
             " frees of %" PRIu64 "-%" PRIu64,
             total->alloc_objects, progress->allocs_done,
             progress->allocs_begun, frees, progress->frees_done,
             progress->frees_begun);
    fail(line, step);
}

/* Reads the segment of a victim. False when there is none. */
static bool check(pid_t pid, bool exact, uint64_t step)
{
    struct segment_snapshot *snapshot;
    struct segment_error error;
    char path[PATH_MAX], line[SEGMENT_ERROR_LINE_SIZE];

    if (!find_segment(pid, path))
        return false;
    if (segment_read(path, SEGMENT_READ_STACKS, &snapshot, &error) != 0) {
        segment_error_line(&error, line, sizeof(line));
        fail(line, step);
    }
    check_sums(snapshot, step);
    if (exact)
        check_counts(snapshot, step);
    segment_snapshot_free(snapshot);
    return true;
}

/* ---- the two sweeps ---------------------------------------------------- */

/* A segment may be missing only while it is made, or once it is gone. */
static bool may_be_missing(void)
{
    return (strcmp(scenario, "child") == 0 && progress->allocs_done == 0) ||
           strcmp(scenario, "exit") == 0;
}

static void look(uint64_t stride, bool exact)
{
    uint64_t steps = 0, inside = 0, looks = 0;

    for (start(); step(steps) && steps < STEPS_MAX; steps++) {
        if (!in_shim() || inside++ % stride != 0)
            continue;
        if (check(victim, exact, steps))
            looks++;
        else if (!may_be_missing())
            fail("no segment", steps);
    }
    if (victim)
        fail("it does not end", steps);
    if (looks == 0)
        fail("never in the shim", steps);
    printf("%s: %" PRIu64 " instructions, %" PRIu64 " of them the shim's, "
           "%" PRIu64 " looks\n",
           scenario, steps, inside, looks);
}

static void kill_after(uint64_t target, bool exact, uint64_t *found)
{
    static uint64_t length; /* of the scenario; 0: not known yet */
    uint64_t steps = 0;
    pid_t pid;

    if (length)
        target %= length;
    start();
    pid = victim;
    while (step(steps) && (++steps < target || !in_shim()))
        ;
    if (!victim) { /* the scenario was over */
        length = steps;
        return;
    }
    kill(victim, SIGKILL);
    waitpid(victim, NULL, __WALL);
    victim = 0;
    if (check(pid, exact, steps))
        (*found)++;
    else if (!may_be_missing())
        fail("no segment", steps);
}

int main(int argc, char **argv)
{
    const char *mode = getenv("PREPROF_MODE");
    bool exact = mode && strcmp(mode, "exact") == 0;
    uint64_t stride, count, found = 0;
    int fd;

    if (argc < 6 || !getenv("PREPROF_DIR")) {
        fputs("usage: kill_sweep look|kill SHIM STEPS SCENARIO STRIDE "
              "[COUNT]\n",
              stderr);
        return 2;
    }
    shim = argv[2];
    program = argv[3];
    scenario = argv[4];
    stride = strtoull(argv[5], NULL, 10);
    fd = mkstemp(progress_path);
    if (fd < 0 || ftruncate(fd, sizeof(*progress)) != 0)
        return 2;
    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED,
                    fd, 0);
    if (progress == MAP_FAILED)
        return 2;
    if (strcmp(argv[1], "look") == 0) {
        look(stride, exact);
    } else {
        count = argc > 6 ? strtoull(argv[6], NULL, 10) : 1;
        for (uint64_t i = 1; i <= count; i++)
            kill_after(i * stride, exact, &found);
        if (found == 0)
            fail("nothing was left by any", count * stride);
        printf("%s: %" PRIu64 " processes, %" PRIu64 " segments\n", scenario,
               count, found);
    }
    unlink(progress_path);
    return 0;
}
