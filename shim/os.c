/* SPDX-License-Identifier: MIT */
/* os.c - see os.h. */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#if defined(__x86_64__)
long os_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
long os_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#error "os_syscall: no system call sequence for this architecture"
#endif

#define CALL0(n)       os_syscall(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a)    os_syscall(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) os_syscall(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c)                                                      \
    os_syscall(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d)                                                   \
    os_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

void *os_map(size_t size)
{
    long result =
        os_syscall(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return OS_FAILED(result) ? NULL : (void *)result;
}

int os_wipe_on_fork(void *start, size_t size)
{
    return (int)CALL3(SYS_madvise, start, size, MADV_WIPEONFORK);
}

void *os_map_wiped(size_t size)
{
    void *start = os_map(size);

    if (start && os_wipe_on_fork(start, size) != 0) {
        os_unmap(start, size);
        return NULL;
    }
    return start;
}

void os_prefault(void *start, size_t size)
{
    CALL3(SYS_madvise, start, size, MADV_POPULATE_WRITE);
}

void *os_map_file(int fd, size_t size)
{
    void *start = (void *)os_syscall(SYS_mmap, 0, (long)size, PROT_NONE,
                                     MAP_SHARED, fd, 0);

    if (!OS_FAILED(start))
        CALL3(SYS_madvise, start, size, MADV_DONTDUMP);
    return start;
}

void os_unmap(void *start, size_t size)
{
    CALL2(SYS_munmap, start, size);
}

/* A kernel that does not know the flag takes the address for a wish. */
bool os_reserve(uintptr_t start, size_t size)
{
    long result = os_syscall(SYS_mmap, (long)start, (long)size, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                                 MAP_FIXED_NOREPLACE,
                             -1, 0);

    if (OS_FAILED(result))
        return false;
    if ((uintptr_t)result == start)
        return true;
    os_unmap((void *)result, size);
    return false;
}

uintptr_t os_break(void)
{
    return (uintptr_t)CALL1(SYS_brk, 0);
}

int os_populate(void *start, size_t size)
{
    int err = (int)CALL3(SYS_mprotect, start, size, PROT_READ | PROT_WRITE);

    if (!err)
        err = (int)CALL3(SYS_madvise, start, size, MADV_POPULATE_WRITE);
    if (!err)
        CALL3(SYS_madvise, start, size, MADV_DODUMP);
    return err;
}

int os_make_readable(void *start, size_t size)
{
    return (int)CALL3(SYS_mprotect, start, size, PROT_READ);
}

int os_open(int dir_fd, const char *path, int flags, unsigned mode)
{
    return (int)CALL4(SYS_openat, dir_fd, path, flags, mode);
}

void os_close(int fd)
{
    CALL1(SYS_close, fd);
}

long os_read(int fd, void *buffer, size_t size)
{
    return CALL3(SYS_read, fd, buffer, size);
}

int os_write_all(int fd, const void *bytes, size_t size)
{
    const char *next = bytes;

    while (size > 0) {
        long written = CALL3(SYS_write, fd, next, size);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return written ? (int)written : -EIO;
        next += written;
        size -= (size_t)written;
    }
    return 0;
}

int os_fstat(int fd, struct stat *status)
{
    return (int)CALL2(SYS_fstat, fd, status);
}

int os_stat_at(int dir_fd, const char *name, struct stat *status)
{
    return (int)CALL4(SYS_newfstatat, dir_fd, name, status,
                      AT_SYMLINK_NOFOLLOW);
}

int os_ftruncate(int fd, uint64_t size)
{
    return (int)CALL2(SYS_ftruncate, fd, size);
}

int os_mkdir(const char *path, unsigned mode)
{
    return (int)CALL3(SYS_mkdirat, AT_FDCWD, path, mode);
}

int os_rename_at(int dir_fd, const char *from, const char *to)
{
    return (int)os_syscall(SYS_renameat2, dir_fd, (long)from, dir_fd, (long)to,
                           0, 0);
}

int os_unlink_at(int dir_fd, const char *path)
{
    return (int)CALL3(SYS_unlinkat, dir_fd, path, 0);
}

int os_fchmod(int fd, unsigned mode)
{
    return (int)CALL2(SYS_fchmod, fd, mode);
}

int os_touch(int fd)
{
    return (int)CALL4(SYS_utimensat, fd, NULL, NULL, 0);
}

long os_read_directory(int fd, char *buffer, size_t size)
{
    return CALL3(SYS_getdents64, fd, buffer, size);
}

long os_read_file(const char *path, char *buffer, size_t size)
{
    int fd = os_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    size_t length = 0;

    if (fd < 0)
        return fd;
    while (length < size - 1) {
        long got = os_read(fd, buffer + length, size - 1 - length);
        if (got == -EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    os_close(fd);
    buffer[length] = '\0';
    return (long)length;
}

long os_working_directory(char *buffer, size_t size)
{
    long length = CALL2(SYS_getcwd, buffer, size);

    return length > 0 ? length - 1 : length; /* the kernel counts the NUL */
}

long os_read_link(const char *path, char *buffer, size_t size)
{
    return CALL4(SYS_readlinkat, AT_FDCWD, path, buffer, size);
}

int os_getpid(void)
{
    return (int)CALL0(SYS_getpid);
}

int os_gettid(void)
{
    return (int)CALL0(SYS_gettid);
}

uint32_t os_pid_namespace(void)
{
    struct stat status;

    if (CALL4(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &status, 0) != 0)
        return 0;
    return (uint32_t)status.st_ino;
}

int os_process_exists(int pid)
{
    return CALL2(SYS_kill, pid, 0) != -ESRCH;
}

int os_thread_exists(int pid, int tid)
{
    return CALL3(SYS_tgkill, pid, tid, 0) != -ESRCH;
}

bool os_is_filtered(void)
{
    return CALL1(SYS_prctl, PR_GET_SECCOMP) > 0;
}

static uint64_t read_clock(int clock)
{
    struct timespec now = {0, 0};

    CALL2(SYS_clock_gettime, clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t os_realtime_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t os_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t os_boottime_ns(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

/* By having the kernel copy a signal mask from there, for an operation that
 * does not exist: unlike process_vm_readv(), no sandbox forbids it. */
bool os_is_readable(uintptr_t address)
{
    /* No set at all is none that could not be read. */
    return address != 0 && CALL4(SYS_rt_sigprocmask, -1, address, NULL,
                                 sizeof(uint64_t)) != -EFAULT;
}

int os_copy(void *to, uintptr_t from, size_t size)
{
    struct iovec there = {(void *)from, size}, here = {to, size};
    long copied = os_syscall(SYS_process_vm_readv, os_getpid(), (long)&here, 1,
                             (long)&there, 1, 0);

    if (copied < 0)
        return (int)copied;
    return (size_t)copied == size ? 0 : -EFAULT;
}

bool os_copy_works(void)
{
    char from = 0, to;

    return os_copy(&to, (uintptr_t)&from, 1) == 0;
}

uint64_t os_random(void)
{
    uint64_t word = 0;

    if (CALL3(SYS_getrandom, &word, sizeof(word), 0) != sizeof(word))
        word = os_realtime_ns() * 0x9e3779b97f4a7c15u + (uintptr_t)&word;
    return word;
}

uint64_t os_filesystem_free(int fd)
{
    struct statfs status;

    if (CALL2(SYS_fstatfs, fd, &status) != 0)
        return 0;
    return (uint64_t)status.f_bavail * (uint64_t)status.f_bsize;
}

uint64_t os_limit(int resource)
{
    struct rlimit limit;

    if (CALL4(SYS_prlimit64, 0, resource, NULL, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return limit.rlim_cur;
}
