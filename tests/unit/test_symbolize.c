/* SPDX-License-Identifier: MIT */
/*
 * test_symbolize.c - finding the right files, and names out of them.
 *
 * Goal: no file that is not the mapped one is ever believed, every file that
 * can stand in for it is found, and no file crashes the reader. Method: the
 * subject is this program's own ELF file, whose functions and lines are known
 * here; objcopy and strip make its variants. That names and lines are right
 * for other code is tested in tests/cli/symbols.t.
 */
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol_elf.h"
#include "symbol_file.h"
#include "symbolize.h"

static char work[] = "/tmp/preprof-symbolize-XXXXXX";
static char self[PATH_MAX];
static uint64_t self_bias;

/* ---- the subject ------------------------------------------------------- */

static volatile unsigned sink;

static inline __attribute__((always_inline)) uintptr_t here(void)
{
    uintptr_t pc;
    __asm__ volatile("lea -1(%%rip), %0" : "=r"(pc)); /* in itself */
    return pc;
}
enum { INLINED_LINE = __LINE__ - 3, INLINED_START = __LINE__ - 6 };

static __attribute__((noinline)) uintptr_t subject(void)
{
    uintptr_t pc = here();
    sink++;
    return pc;
}
enum { CALL_LINE = __LINE__ - 4, SUBJECT_START = __LINE__ - 6 };

static int find_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = info->dlpi_addr;
    return 1; /* the program is the first */
}

/* ---- files ------------------------------------------------------------- */

/* A path in the directory of this run; good until the fourth call after. */
static const char *in_work(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", work, name);
    return path;
}

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
    char command[4 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

/* A copy of this program in a directory where nothing else is found. */
static const char *copy_self(const char *name)
{
    const char *path = in_work(name);
    run("mkdir -p $(dirname %s) && cp %s %s", path, self, path);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static struct symbol_build_id self_id(void)
{
    struct symbol_elf elf;
    assert_int_equal(symbol_elf_open(&elf, AT_FDCWD, self), 0);
    struct symbol_build_id id = elf.build_id;
    symbol_elf_close(&elf);
    assert_true(id.length > 2);
    return id;
}

static struct symbol_module_key key_of(const char *path,
                                       const struct symbol_build_id *id)
{
    return (struct symbol_module_key){
        .path = path,
        .build_id = id != NULL ? id->bytes : NULL,
        .build_id_length = id != NULL ? id->length : 0,
        .bias = self_bias,
    };
}

/* What the symbolizer makes of `key`: state, a part of the note (NULL: there
 * is none), and whether it knows subject(). */
static void expect(const struct symbol_module_key *key, enum symbol_state state,
                   const char *note, bool known)
{
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    struct symbolizer *symbolizer = symbolizer_new();
    struct symbol_module *module = symbolizer_module(symbolizer, key);
    const char *said = symbol_module_note(module);
    size_t count =
        symbol_module_frames(module, subject(), frames, SYMBOL_FRAMES_MAX);
    if (note == NULL)
        assert_null(said);
    else if (said == NULL || strstr(said, note) == NULL)
        fail_msg("note is \"%s\", not \"%s\"", said ? said : "", note);
    assert_int_equal(symbol_module_state(module), state);
    assert_int_equal(count, known ? 2 : 0);
    symbolizer_free(symbolizer);
}

/* ---- tests ------------------------------------------------------------- */

static void test_frames_of_self(void **state)
{
    (void)state;
    struct symbol_build_id id = self_id();
    struct symbol_module_key key = key_of(self, &id);
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    struct symbolizer *symbolizer = symbolizer_new();
    struct symbol_module *module = symbolizer_module(symbolizer, &key);
    uintptr_t pc = subject();
    assert_int_equal(
        symbol_module_frames(module, pc, frames, SYMBOL_FRAMES_MAX), 2);
    assert_string_equal(frames[0].function, "here");
    assert_int_equal(frames[0].line, INLINED_LINE);
    assert_int_equal(frames[0].start_line, INLINED_START);
    assert_string_equal(frames[1].function, "subject");
    assert_string_equal(frames[1].system_name, "subject");
    assert_int_equal(frames[1].line, CALL_LINE);
    assert_int_equal(frames[1].start_line, SUBJECT_START);
    assert_true(frames[1].file[0] == '/');
    assert_non_null(strstr(frames[1].file, "/tests/unit/test_symbolize.c"));
    assert_int_equal(frames[1].offset, pc - (uintptr_t)subject);
    /* The innermost ones when there is no room for all. */
    assert_int_equal(symbol_module_frames(module, pc, frames, 1), 1);
    assert_string_equal(frames[0].function, "here");
    assert_int_equal(symbol_module_frames(module, pc, frames, 0), 0);
    assert_int_equal(symbol_module_frames(module, 0, frames, 1), 0);
    /* The same module is found again, another bias is another. */
    assert_ptr_equal(symbolizer_module(symbolizer, &key), module);
    key.bias += 4096;
    struct symbol_module *moved = symbolizer_module(symbolizer, &key);
    assert_ptr_not_equal(moved, module);
    assert_int_equal(symbol_module_frames(moved, pc + 4096, frames, 2), 2);
    assert_string_equal(frames[1].function, "subject");
    symbolizer_free(symbolizer);
}

static void test_gone_and_replaced(void **state)
{
    (void)state;
    struct symbol_build_id id = self_id(), other = id;
    other.bytes[0] ^= 1;
    struct symbol_module_key key = key_of(in_work("nowhere"), &id);
    expect(&key, SYMBOL_NONE, "/nowhere was deleted", false);
    key = key_of(copy_self("replaced"), &other);
    expect(&key, SYMBOL_NONE, "was replaced since (build id differs)", false);
    key = key_of("[heap]", NULL);
    expect(&key, SYMBOL_NONE, NULL, false);
}

/* Starts a copy of this program that waits, and takes its file away. */
static pid_t start_and_unlink(const char *path)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ready[1], STDOUT_FILENO);
        execl(path, path, "--wait", (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_int_equal(unlink(path), 0);
    return pid;
}

static void test_deleted_while_running(void **state)
{
    (void)state;
    struct symbol_build_id id = self_id();
    const char *path = copy_self("deleted");
    pid_t pid = start_and_unlink(path);
    struct symbol_module_key key = key_of(path, &id);
    key.pid = pid;
    expect(&key, SYMBOL_FULL, "was deleted, read from the process", true);
    key.build_id = NULL; /* then the mapping itself is the proof */
    expect(&key, SYMBOL_FULL, "was deleted, read from the process", true);
    write_file(path, "#!/bin/sh\n", 10);
    expect(&key, SYMBOL_FULL, "was deleted, read from the process", true);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    key.build_id = id.bytes;
    unlink(path);
    expect(&key, SYMBOL_NONE, "/deleted was deleted", false);
}

static void test_without_build_id(void **state)
{
    (void)state;
    const char *path = copy_self("plain");
    run("objcopy --remove-section .note.gnu.build-id %s", path);
    struct symbol_module_key key = key_of(path, NULL);
    expect(&key, SYMBOL_FULL, NULL, true);
    key.mapped_ns = 1;
    expect(&key, SYMBOL_FULL, "changed after it was mapped", true);
    key.mapped_ns = (uint64_t)(time(NULL) + 60) * 1000000000u;
    expect(&key, SYMBOL_FULL, NULL, true);
}

static void test_stripped(void **state)
{
    (void)state;
    struct symbol_build_id id = self_id();
    const char *path = copy_self("stripped");
    run("strip --strip-debug %s", path);
    struct symbol_module_key key = key_of(path, &id);
    struct symbolizer *symbolizer = symbolizer_new();
    struct symbol_module *module = symbolizer_module(symbolizer, &key);
    struct symbol_frame frame;
    assert_int_equal(symbol_module_state(module), SYMBOL_NAMES);
    assert_int_equal(symbol_module_frames(module, subject(), &frame, 1), 1);
    assert_string_equal(frame.function, "subject");
    assert_null(frame.file);
    assert_string_equal(symbol_module_note(module),
                        "stripped has no debug information: no lines");
    symbolizer_free(symbolizer);
    run("strip %s", path);
    expect(&key, SYMBOL_DYNAMIC, "stripped is stripped: no lines", false);
}

static void test_debug_link(void **state)
{
    (void)state;
    const char *path = copy_self("link/program");
    run("cd %s/link && objcopy --remove-section .note.gnu.build-id program && "
        "objcopy --only-keep-debug program program.debug && strip program && "
        "objcopy --add-gnu-debuglink=program.debug program",
        work);
    struct symbol_module_key key = key_of(path, NULL);
    expect(&key, SYMBOL_FULL, NULL, true);
    run("cd %s/link && mkdir .debug && mv program.debug .debug", work);
    expect(&key, SYMBOL_FULL, NULL, true);
    run("echo >>%s/link/.debug/program.debug", work); /* the CRC differs */
    expect(&key, SYMBOL_DYNAMIC, "is stripped", false);
    run("rm %s/link/.debug/program.debug && "
        "mkfifo %s/link/.debug/program.debug",
        work, work); /* must not wait for a writer */
    expect(&key, SYMBOL_DYNAMIC, "is stripped", false);
}

static void test_debug_root(void **state)
{
    (void)state;
    struct symbol_build_id id = self_id();
    char root[PATH_MAX], hex[2 * SYMBOL_BUILD_ID_MAX + 1];
    snprintf(root, sizeof(root), "%s/debug", work);
    for (size_t i = 0; i < id.length; i++)
        snprintf(hex + 2 * i, 3, "%02x", id.bytes[i]);
    run("mkdir -p %s/.build-id/%.2s && objcopy --only-keep-debug %s "
        "%s/.build-id/%.2s/%s.debug",
        root, hex, self, root, hex, hex + 2);
    const char *path = copy_self("by-id");
    run("strip %s", path);
    struct symbol_module_key key = key_of(path, &id);
    struct symbol_file file;
    symbol_file_open(&file, &key, root);
    assert_int_equal(file.state, SYMBOL_FULL);
    assert_non_null(file.main.elf);
    assert_non_null(file.debug.elf);
    assert_null(file.note);
    symbol_file_close(&file);
    unlink(path);
    symbol_file_open(&file, &key, root);
    assert_int_equal(file.state, SYMBOL_FULL);
    assert_null(file.main.elf);
    assert_non_null(strstr(file.note, "was deleted, read its debug file"));
    symbol_file_close(&file);
    id.bytes[id.length - 1] ^= 1; /* the key's too */
    symbol_file_open(&file, &key, root);
    assert_int_equal(file.state, SYMBOL_NONE);
    symbol_file_close(&file);
}

static void test_vdso(void **state)
{
    (void)state;
    struct symbol_elf elf;
    if (symbol_elf_open_vdso(&elf) != 0)
        skip();
    struct symbol_build_id id = elf.build_id;
    symbol_elf_close(&elf);
    struct symbol_module_key key = key_of("[vdso]", &id);
    key.bias = getauxval(AT_SYSINFO_EHDR);
    struct symbolizer *symbolizer = symbolizer_new();
    struct symbol_module *module = symbolizer_module(symbolizer, &key);
    struct symbol_frame frame;
    bool found = false;
    for (uint64_t pc = key.bias; pc < key.bias + 8192 && !found; pc += 16)
        found = symbol_module_frames(module, pc, &frame, 1) == 1 &&
                strstr(frame.function, "clock_gettime") != NULL;
    assert_true(found);
    assert_null(symbol_module_note(module));
    symbolizer_free(symbolizer);
    id.bytes[0] ^= 1;
    expect(&key, SYMBOL_NONE, "[vdso] is of another kernel", false);
}

/* ---- hostile files ----------------------------------------------------- */

static void test_not_elf(void **state)
{
    (void)state;
    const char *path = in_work("odd");
    struct symbol_module_key key = key_of(path, NULL);
    write_file(path, "", 0);
    expect(&key, SYMBOL_NONE, "is not an ELF file", false);
    write_file(path, "\177ELF", 4);
    expect(&key, SYMBOL_NONE, "", false);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect(&key, SYMBOL_NONE, "is not a regular file", false);
    key.path = "/dev/zero";
    expect(&key, SYMBOL_NONE, "is not a regular file", false);
    key.path = "/";
    expect(&key, SYMBOL_NONE, "is not a regular file", false);
}

/* Whatever comes out, it must come out. */
static void survive(const char *path)
{
    struct symbol_module_key key = key_of(path, NULL);
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    struct symbolizer *symbolizer = symbolizer_new();
    struct symbol_module *module = symbolizer_module(symbolizer, &key);
    for (int i = -2; i <= 2; i++) {
        size_t count = symbol_module_frames(
            module, subject() + (uint64_t)(int64_t)(i * 997), frames,
            SYMBOL_FRAMES_MAX);
        assert_true(count <= SYMBOL_FRAMES_MAX);
        for (size_t j = 0; j < count; j++)
            assert_true(frames[j].function[0] != '\0');
    }
    symbol_module_note(module);
    symbolizer_free(symbolizer);
}

static void test_truncated(void **state)
{
    (void)state;
    const char *path = copy_self("truncated");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    off_t size = status.st_size;
    for (int i = 60; i >= 0; i--) { /* evenly, then the header byte by byte */
        assert_int_equal(truncate(path, size * i / 61 + 64), 0);
        survive(path);
    }
    for (off_t length = 64; length >= 0; length--) {
        assert_int_equal(truncate(path, length), 0);
        survive(path);
    }
}

static void test_many_modules(void **state)
{
    (void)state;
    enum { MANY = SYMBOL_MODULES_OPEN_MAX + 37 };
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", copy_self("many"));
    run("objcopy --remove-section .note.gnu.build-id %s", path);
    struct symbolizer *symbolizer = symbolizer_new();
    struct symbol_frame first[2], again[2];
    struct symbol_module *modules[MANY];
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof(name), "many.%d", i);
        const char *linked = in_work(name);
        assert_int_equal(link(path, linked), 0);
        struct symbol_module_key key = key_of(linked, NULL);
        modules[i] = symbolizer_module(symbolizer, &key);
        assert_int_equal(symbol_module_state(modules[i]), SYMBOL_FULL);
        if (i == 0)
            assert_int_equal(
                symbol_module_frames(modules[0], subject(), first, 2), 2);
    }
    /* The first was closed meanwhile: what it gave is valid, and it opens. */
    assert_string_equal(first[1].function, "subject");
    assert_int_equal(symbol_module_frames(modules[0], subject(), again, 2), 2);
    assert_ptr_equal(first[1].function, again[1].function);
    assert_ptr_equal(first[0].file, again[0].file);
    symbolizer_free(symbolizer);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--wait") == 0) {
        if (write(STDOUT_FILENO, "r", 1) == 1)
            sleep(60);
        return 0;
    }
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0 || mkdtemp(work) == NULL)
        return 1;
    elf_version(EV_CURRENT);
    dl_iterate_phdr(find_bias, &self_bias);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_of_self),
        cmocka_unit_test(test_gone_and_replaced),
        cmocka_unit_test(test_deleted_while_running),
        cmocka_unit_test(test_without_build_id),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_debug_link),
        cmocka_unit_test(test_debug_root),
        cmocka_unit_test(test_vdso),
        cmocka_unit_test(test_not_elf),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_many_modules),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[PATH_MAX + 16];
    snprintf(command, sizeof(command), "rm -rf %s", work);
    return system(command) != 0 || failed != 0;
}
