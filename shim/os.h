/* SPDX-License-Identifier: MIT */
/*
 * os.h - the only door to the kernel.
 *
 * Raw system calls: no errno, no cancellation point, no symbol that another
 * preload could interpose (hazards A7, B8). Every function returns a value or
 * -errno. Threads: any. Async-signal-safe. Never allocates.
 * Read next: life.h, which decides when any of this happens.
 */
#ifndef PREPROF_OS_H
#define PREPROF_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define OS_PAGE_SIZE 4096u

long os_syscall(long number, long a, long b, long c, long d, long e, long f);

/* True for the -errno values that os_* functions return as pointers. */
#define OS_FAILED(pointer) ((uintptr_t)(pointer) >= (uintptr_t)-4095)

/* Private zeroed memory, reserved lazily; NULL when there is none. */
void *os_map(size_t size);

/* Makes private pages read as zeros in every forked child. 0 or -errno. */
int os_wipe_on_fork(void *start, size_t size);

/* os_map(), and zero again in every forked child (MADV_WIPEONFORK). A vfork
 * child, which shares the parent's memory, sees it unchanged. */
void *os_map_wiped(size_t size);

/* Gives private memory its pages at once. A page that is first read, and then
 * written, costs two faults, the second with a flush of every core's TLB. A
 * hint: does nothing before Linux 5.14, or when memory is short. */
void os_prefault(void *start, size_t size);

/* Reserves a shared mapping of a file; OS_FAILED(). Nothing in it may be
 * touched before os_populate(): so mlockall() in the program has nothing to
 * lock, and a core file does not fill the holes of a sparse one. */
void *os_map_file(int fd, size_t size);
void os_unmap(void *start, size_t size);

/* Maps inaccessible memory at just this address, if nothing at all is mapped
 * there. False, and nothing done, when something is. */
bool os_reserve(uintptr_t start, size_t size);

/* Where the data segment ends that brk() moves. */
uintptr_t os_break(void);

/* Makes the pages of a shared file mapping exist and accessible, so that
 * touching them can no longer be a SIGBUS. -ENOSPC or -EFAULT when the
 * filesystem is full, -ENOMEM. */
int os_populate(void *start, size_t size);

int os_make_readable(void *start, size_t size); /* and nothing else */

int os_open(int dir_fd, const char *path, int flags, unsigned mode);
void os_close(int fd);
long os_read(int fd, void *buffer, size_t size);
int os_write_all(int fd, const void *bytes, size_t size);
int os_fstat(int fd, struct stat *status);
/* Of the name itself, if it is a symbolic link. */
int os_stat_at(int dir_fd, const char *name, struct stat *status);
int os_ftruncate(int fd, uint64_t size);
int os_mkdir(const char *path, unsigned mode);
int os_rename_at(int dir_fd, const char *from, const char *to);
int os_unlink_at(int dir_fd, const char *path);
int os_fchmod(int fd, unsigned mode);
int os_touch(int fd); /* sets both times of a file to now */

/* The next entries of an open directory as getdents64 gives them. Returns
 * their bytes, 0 at the end, or -errno. */
long os_read_directory(int fd, char *buffer, size_t size);

/* Reads at most size - 1 bytes of a file and terminates them with a NUL.
 * Returns the number of bytes or -errno. */
long os_read_file(const char *path, char *buffer, size_t size);

/* The current directory, not terminated; its length or -errno. */
long os_working_directory(char *buffer, size_t size);
/* Where a symbolic link points, not terminated; its length or -errno. */
long os_read_link(const char *path, char *buffer, size_t size);

int os_getpid(void);
int os_gettid(void);
/* The inode that names our pid namespace, or 0 without /proc. */
uint32_t os_pid_namespace(void);
/* Whether there is a process with this pid now. */
int os_process_exists(int pid);
/* Whether a thread of process pid has this thread id now. */
int os_thread_exists(int pid, int tid);
/* Whether a seccomp filter judges our system calls. */
bool os_is_filtered(void);
uint64_t os_realtime_ns(void);
uint64_t os_monotonic_ns(void);
uint64_t os_boottime_ns(void); /* as start times of threads count */
/* Whether the 8 bytes at an aligned address can be read. */
bool os_is_readable(uintptr_t address);

/* Copies from an address of ours where another thread may unmap memory. 0, or
 * -EFAULT when something of it is not there, or another -errno where a sandbox
 * forbids it; os_copy_works() tells whether one does. */
int os_copy(void *to, uintptr_t from, size_t size);
bool os_copy_works(void);
uint64_t os_random(void); /* never fails; of lower quality without getrandom */

/* Bytes that the filesystem of an open file can still give. */
uint64_t os_filesystem_free(int fd);
/* The soft limit of a resource; UINT64_MAX when unlimited. */
uint64_t os_limit(int resource);

#endif
