/* SPDX-License-Identifier: MIT */
/*
 * The file behind a segment: its names, its modes, whose directory it may be
 * in, how long it is under limits, what a full filesystem does, and that a dump
 * is what was counted. The oracle is the filesystem itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os.h"
#include "segment_file.h"

#define ROOM (SEGMENT_FILE_SIZE_MIN + 8 * SEGMENT_EXTENT_SIZE)

static char base[64], directory[128];

static int count_entries(const char *path)
{
    DIR *opened = opendir(path);
    int count = 0;

    assert_non_null(opened);
    while (readdir(opened))
        count++;
    closedir(opened);
    return count - 2;
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

/* Our start time as the kernel says it, read by scanf. */
static unsigned long long start_time(void)
{
    unsigned long long ticks = 0;
    FILE *file = fopen("/proc/self/stat", "r");

    assert_non_null(file);
    assert_int_equal(fscanf(file,
                            "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u "
                            "%*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                            &ticks),
                     1);
    fclose(file);
    return ticks;
}

static int enter(void **state)
{
    (void)state;
    strcpy(base, "/tmp/test_segment_file.XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(directory, sizeof(directory), "%s/segments", base);
    return 0;
}

static int leave(void **state)
{
    char command[256];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", base);
    return system(command);
}

static void test_names(void **state)
{
    static struct segment_file first, second;
    int fds = count_entries("/proc/self/fd");
    char path[256];

    (void)state;
    umask(0);
    assert_int_equal(segment_file_create(&first, directory, ROOM), 0);
    assert_int_equal(mode_of(directory), 0700);
    assert_int_equal(mode_of(first.temporary), 0600);
    assert_int_equal(access(first.path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/%d-%llu", directory, getpid(),
             start_time());
    assert_string_equal(first.path, path);
    assert_string_equal(first.header->magic, SEGMENT_MAGIC);
    assert_int_equal(first.header->pid, getpid());
    assert_int_equal(first.header->uid, geteuid());
    assert_int_equal(first.header->start_time, start_time());
    assert_int_equal(first.header->extents_max, 16);

    assert_int_equal(segment_file_publish(&first), 0);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(count_entries(directory), 1);

    /* A program that execs replaces its predecessor's segment. */
    assert_int_equal(segment_file_create(&second, directory, ROOM), 0);
    assert_int_equal(count_entries(directory), 2);
    assert_int_equal(segment_file_publish(&second), 0);
    assert_int_equal(count_entries(directory), 1);
    second.header->created_ns = 77; /* still the file behind the name */
    assert_int_equal(first.header->created_ns, 0);

    segment_file_unlink(&second);
    assert_int_equal(count_entries(directory), 0);
    segment_file_unmap(&second);
    assert_null(second.header);
    segment_file_unlink(&second); /* of nothing: nothing */
    segment_file_unmap(&second);
    segment_file_unmap(&first);

    assert_int_equal(segment_file_create(&first, directory, ROOM), 0);
    segment_file_discard(&first);
    assert_null(first.header);
    assert_int_equal(count_entries(directory), 0);
    assert_int_equal(count_entries("/proc/self/fd"), fds);
}

/* Hazards G5: nobody else may put names into the directory. */
static void test_directories(void **state)
{
    static struct segment_file file;
    char path[256], target[256];

    (void)state;
    umask(022);
    for (mode_t bit = 02; bit <= 020; bit *= 8) {
        snprintf(path, sizeof(path), "%s/writable-%o", base, bit);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(chmod(path, 0700 | bit), 0);
        assert_int_equal(segment_file_create(&file, path, ROOM), -EPERM);
        assert_int_equal(count_entries(path), 0);
    }
    snprintf(target, sizeof(target), "%s/target", base);
    snprintf(path, sizeof(path), "%s/link", base);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_true(segment_file_create(&file, path, ROOM) < 0);
    assert_int_equal(count_entries(target), 0);

    snprintf(path, sizeof(path), "%s/missing/segments", base);
    assert_int_equal(segment_file_create(&file, path, ROOM), -ENOENT);
    snprintf(path, sizeof(path), "%s/file", base);
    assert_int_equal(close(creat(path, 0600)), 0);
    assert_int_equal(segment_file_create(&file, path, ROOM), -ENOTDIR);
    if (geteuid() == 0) {
        assert_int_equal(chown(target, 4711, 4711), 0);
        assert_int_equal(segment_file_create(&file, target, ROOM), -EPERM);
    }
}

static void test_sizes(void **state)
{
    static struct segment_file file;
    struct rlimit limit, saved;
    struct statfs status;
    struct stat made;

    (void)state;
    assert_int_equal(mkdir(directory, 0700) == 0 || errno == EEXIST, 1);
    assert_int_equal(statfs(directory, &status), 0);
    assert_int_equal(segment_file_create(&file, directory, UINT64_MAX), 0);
    assert_true(file.size <= (uint64_t)status.f_bavail *
                                 (uint64_t)status.f_bsize /
                                 SEGMENT_FILE_FREE_PART * 2);
    assert_int_equal((file.size - SEGMENT_EXTENTS_OFFSET) % SEGMENT_EXTENT_SIZE,
                     0);
    segment_file_discard(&file);

    /* Beyond RLIMIT_FSIZE a write is a SIGXFSZ. */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
    limit = saved;
    limit.rlim_cur = SEGMENT_FILE_SIZE_MIN + SEGMENT_EXTENT_SIZE + 4097;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(segment_file_create(&file, directory, UINT64_MAX), 0);
    assert_int_equal(file.size, SEGMENT_FILE_SIZE_MIN + SEGMENT_EXTENT_SIZE);
    assert_int_equal(file.header->extents_max, 9);
    assert_int_equal(stat(file.temporary, &made), 0);
    assert_int_equal(made.st_size, file.size);
    assert_true(made.st_blocks * 512 <= SEGMENT_EXTENTS_OFFSET); /* sparse */
    segment_file_discard(&file);
    limit.rlim_cur = SEGMENT_FILE_SIZE_MIN - 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(segment_file_create(&file, directory, UINT64_MAX), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
    assert_int_equal(
        segment_file_create(&file, directory, SEGMENT_FILE_SIZE_MIN - 1),
        -EFBIG);
    assert_int_equal(count_entries(directory), 0);
}

/* In a mount namespace of its own: 0 all right, 77 no such thing here, else
 * the number of what went wrong. */
static int on_small_filesystem(void)
{
    static struct segment_file file;
    char filler[256], *extents;
    int fd, err;

    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", base, "tmpfs", 0, "size=4m,mode=0700") != 0)
        return 77;
    /* An eighth of it is too little. */
    if (segment_file_create(&file, base, UINT64_MAX) != -EFBIG)
        return 1;
    if (mount("none", base, "tmpfs", MS_REMOUNT, "size=16m") != 0)
        return 77;
    if (segment_file_create(&file, base, UINT64_MAX) != 0 ||
        file.size > (16u << 20) / SEGMENT_FILE_FREE_PART)
        return 2;
    extents = (char *)file.header + SEGMENT_EXTENTS_OFFSET;
    if (os_populate(extents, SEGMENT_EXTENT_SIZE) != 0)
        return 3;
    memset(extents, 1, SEGMENT_EXTENT_SIZE);
    snprintf(filler, sizeof(filler), "%s/filler", base);
    fd = open(filler, O_CREAT | O_WRONLY, 0600);
    while (write(fd, extents, SEGMENT_EXTENT_SIZE) > 0)
        ;
    close(fd);
    /* Full: an error here, not a SIGBUS when it is touched. */
    err = os_populate(extents + SEGMENT_EXTENT_SIZE, SEGMENT_EXTENT_SIZE);
    if (err != -ENOSPC && err != -EFAULT)
        return 4;
    unlink(filler); /* and room again */
    if (os_populate(extents + SEGMENT_EXTENT_SIZE, SEGMENT_EXTENT_SIZE) != 0)
        return 5;
    return 0;
}

static void test_full(void **state)
{
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(on_small_filesystem());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# no mount namespaces here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- the dump ---------------------------------------------------------- */

static uint64_t fill(struct segment_file *file, const uint32_t *types,
                     uint32_t extents)
{
    char *start = (char *)file->header;
    uint64_t *table = (uint64_t *)(void *)(start + SEGMENT_EXTENT_TABLE_OFFSET);
    uint64_t in_use = 0;

    assert_int_equal(os_populate(table, SEGMENT_EXTENTS_OFFSET -
                                            SEGMENT_EXTENT_TABLE_OFFSET),
                     0);
    file->header->recording_ns = 1;
    file->header->extents_used = extents;
    for (uint32_t i = 0; i < extents; i++) {
        char *extent =
            start + SEGMENT_EXTENTS_OFFSET + (size_t)i * SEGMENT_EXTENT_SIZE;
        struct segment_row *rows = (struct segment_row *)(void *)extent;
        uint32_t row = i > 0 ? i * SEGMENT_ROWS_PER_EXTENT : 0;

        assert_int_equal(os_populate(extent, SEGMENT_EXTENT_SIZE), 0);
        table[i] = SEGMENT_EXTENT_WORD(types[i], i, row);
        for (uint32_t j = 0; j < SEGMENT_ROWS_PER_EXTENT; j++) {
            rows[j] = (struct segment_row){
                (uint64_t)random(), (uint64_t)random() << 20,
                (uint64_t)random(), (uint64_t)random()};
            if (types[i] == SEGMENT_EXTENT_COUNTERS && row + j > 0)
                in_use += rows[j].alloc_space - rows[j].free_space;
        }
    }
    for (uint32_t i = 0; i < SEGMENT_SINK_COUNT; i++) {
        file->header->sinks[i] = (struct segment_row){1, 1000 + i, 0, i};
        if (i > 0)
            in_use += 1000;
    }
    return in_use;
}

static void test_dump(void **state)
{
    static const uint32_t types[] = {
        SEGMENT_EXTENT_COUNTERS,  SEGMENT_EXTENT_NODES,
        SEGMENT_EXTENT_CALLSITES, SEGMENT_EXTENT_COUNTERS,
        SEGMENT_EXTENT_STRINGS,
    };
    enum { EXTENTS = 5 };
    static struct segment_file file;
    size_t size = SEGMENT_EXTENTS_OFFSET + EXTENTS * SEGMENT_EXTENT_SIZE;
    char path[256], *bytes = malloc(size + 1);
    uint64_t in_use;
    FILE *dump;

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(segment_file_in_use(&file), 0); /* no segment */
    assert_int_equal(segment_file_create(&file, directory, ROOM), 0);
    srandom(1);
    in_use = fill(&file, types, EXTENTS);

    snprintf(path, sizeof(path), "%s/dump", base);
    assert_int_equal(segment_file_dump(&file, path), 0);
    assert_int_equal(mode_of(path), 0600);
    dump = fopen(path, "rb");
    assert_non_null(dump);
    assert_int_equal(fread(bytes, 1, size + 1, dump), size);
    fclose(dump);
    assert_memory_equal(bytes, file.header, size);

    /* A second one replaces it; one that cannot be leaves nothing behind. */
    file.header->created_ns = 4711;
    assert_int_equal(segment_file_dump(&file, path), 0);
    dump = fopen(path, "rb");
    assert_non_null(dump);
    assert_int_equal(fread(bytes, 1, size + 1, dump), size);
    fclose(dump);
    assert_memory_equal(bytes, file.header, size);
    snprintf(path, sizeof(path), "%s/missing/dump", base);
    assert_int_equal(segment_file_dump(&file, path), -ENOENT);
    snprintf(path, sizeof(path), "%s/a-directory", base);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(segment_file_dump(&file, path), -EISDIR);
    assert_int_equal(count_entries(base), 3); /* segments, dump, a-directory */

    /* As a child asks of its parent's, which it only reads from then on. */
    assert_true(segment_file_in_use(&file) == in_use);
    segment_file_discard(&file);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, enter, leave),
        cmocka_unit_test_setup_teardown(test_directories, enter, leave),
        cmocka_unit_test_setup_teardown(test_sizes, enter, leave),
        cmocka_unit_test_setup_teardown(test_full, enter, leave),
        cmocka_unit_test_setup_teardown(test_dump, enter, leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
