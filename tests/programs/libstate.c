/* SPDX-License-Identifier: MIT */
/*
 * libstate.c - a preload that writes down what the kernel and libc say of a
 * process at two moments: when main() begins, which is when all preloads have
 * started, and in exit(). One line each, into the directory STATE_OUT:
 *
 *   begin|end PROGRAM threads N fds N=TARGET,... blocked MASK ignored MASK
 *   kernel_caught MASK caught MASK umask MODE core BYTES
 *
 * with tabs between the words. `caught` is what sigaction() tells the program.
 * It must never allocate, print or leave a descriptor, so that what it sees is
 * others' doing.
 * Read next: tests/matrix/run.py.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct line {
    char text[16384];
    size_t length;
};

struct entry { /* what getdents64 fills in */
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line,
                                                      const char *format, ...)
{
    size_t room = sizeof(line->text) - line->length;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line->text + line->length, room, format, args);
    va_end(args);
    if (length > 0 && (size_t)length < room)
        line->length += (size_t)length;
}

/* Calls `each` for every entry of a directory and returns their number. */
static int list(const char *path, void (*each)(struct line *, const char *),
                struct line *line)
{
    char buffer[4096] __attribute__((aligned(8)));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = 0;
    long got;

    while (fd >= 0 &&
           (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0)
        for (long at = 0; at < got;) {
            const struct entry *entry = (const void *)(buffer + at);

            at += entry->size;
            if (entry->name[0] == '.' || atoi(entry->name) == fd)
                continue;
            count++;
            if (each)
                each(line, entry->name);
        }
    if (fd >= 0)
        close(fd);
    return count;
}

static void add_fd(struct line *line, const char *name)
{
    char link[64], target[512];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%s", name);
    length = readlink(link, target, sizeof(target) - 1);
    target[length > 0 ? length : 0] = '\0';
    if (strncmp(target, "pipe:", 5) == 0 || strncmp(target, "socket:", 7) == 0)
        *strchr(target, ':') = '\0'; /* the inode is a new one every time */
    add(line, "%s=%s,", name, target);
}

/* The mask behind a name in /proc/self/status. */
static void add_mask(struct line *line, const char *status, const char *key,
                     const char *name)
{
    const char *found = strstr(status, key);

    add(line, "\t%s\t%.16s", name, found ? found + strlen(key) : "?");
}

static void add_signals(struct line *line)
{
    char status[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, status, sizeof(status) - 1);
    uint64_t caught = 0;

    status[length > 0 ? length : 0] = '\0';
    if (fd >= 0)
        close(fd);
    add_mask(line, status, "SigBlk:\t", "blocked");
    add_mask(line, status, "SigIgn:\t", "ignored");
    add_mask(line, status, "SigCgt:\t", "kernel_caught");
    for (int signal = 1; signal < 65; signal++) {
        struct sigaction action;

        if (sigaction(signal, NULL, &action) == 0 &&
            action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
            caught |= UINT64_C(1) << (signal - 1);
    }
    add(line, "\tcaught\t%016llx", (unsigned long long)caught);
}

static void note(const char *when)
{
    struct line line = {.length = 0};
    const char *directory = getenv("STATE_OUT");
    char path[512];
    struct rlimit core = {0};
    mode_t mask;
    int fd;

    if (!directory)
        return;
    mask = umask(0);
    umask(mask);
    getrlimit(RLIMIT_CORE, &core);
    /* Servers write what they do behind their name. */
    add(&line, "%s\t%.*s\tthreads\t%d\tfds\t", when,
        (int)strcspn(program_invocation_short_name, ": "),
        program_invocation_short_name, list("/proc/self/task", NULL, &line));
    list("/proc/self/fd", add_fd, &line);
    add_signals(&line);
    add(&line, "\tumask\t%o\tcore\t%lld\n", mask, (long long)core.rlim_cur);
    snprintf(path, sizeof(path), "%s/%d", directory, getpid());
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (write(fd, line.text, line.length) < 0)
        unlink(path);
    close(fd);
}

static int (*main_behind)(int, char **, char **);

static void note_end(void)
{
    note("end");
}

static int main_noted(int argc, char **argv, char **environment)
{
    note("begin");
    atexit(note_end);
    return main_behind(argc, argv, environment);
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
    __typeof__(__libc_start_main) *behind =
        (__typeof__(__libc_start_main) *)dlsym(RTLD_NEXT, "__libc_start_main");

    main_behind = main;
    return behind(main_noted, argc, argv, init, fini, rtld_fini, stack_end);
}
