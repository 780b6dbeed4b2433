/* SPDX-License-Identifier: MIT */
/*
 * program_check.c - can this program be profiled, and if not, why.
 * Read next: elf_check.c.
 */
#include "program_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_LINE_SIZE 256 /* of "#!...", as the kernel's BINPRM_BUF_SIZE */

/* ---- finding it -------------------------------------------------------- */

static int check_executable(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

int program_find(const char *name, char path[PATH_MAX])
{
    const char *places = getenv("PATH");
    int err = -ENOENT;

    if (strchr(name, '/') || !*name) {
        if (snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX)
            return -ENAMETOOLONG;
        return check_executable(path);
    }
    for (const char *place = places ? places : "/bin:/usr/bin"; place;) {
        size_t length = strcspn(place, ":");
        int found;

        if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, place,
                     length ? "/" : "", name) >= PATH_MAX)
            return -ENAMETOOLONG;
        found = check_executable(path);
        if (found == 0)
            return 0;
        if (found == -EACCES)
            err = found;
        place = place[length] ? place + length + 1 : NULL;
    }
    return err;
}

/* ---- scripts ----------------------------------------------------------- */

/* Reads the first line. Its length, or -errno. */
static ssize_t read_line(const char *path, char line[SCRIPT_LINE_SIZE])
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t length;

    if (fd < 0)
        return -errno;
    length = read(fd, line, SCRIPT_LINE_SIZE - 1);
    if (length < 0)
        length = -errno;
    close(fd);
    if (length >= 0)
        line[length] = '\0';
    line[length > 0 ? strcspn(line, "\n") : 0] = '\0';
    return length;
}

/* What env(1) would run: its first word that is no option or assignment. */
static const char *find_after_env(char **rest)
{
    const char *word;

    while ((word = strsep(rest, " \t")))
        if (*word && *word != '-' && !strchr(word, '='))
            return word;
    return NULL;
}

/* Replaces path by what runs the script there. Returns 0 or -errno. */
static int follow_script(char path[PATH_MAX])
{
    char line[SCRIPT_LINE_SIZE], *rest = line + 2;
    ssize_t length = read_line(path, line);
    const char *interpreter, *slash;

    if (length < 0)
        return (int)length;
    if (strncmp(line, "#!", 2) != 0) { /* execvp() gives it to the shell */
        snprintf(path, PATH_MAX, "/bin/sh");
        return 0;
    }
    rest += strspn(rest, " \t");
    interpreter = strsep(&rest, " \t");
    slash = strrchr(interpreter, '/');
    if (slash && strcmp(slash, "/env") == 0) {
        const char *program = find_after_env(&rest);

        if (program)
            return program_find(program, path);
    }
    snprintf(path, PATH_MAX, "%s", interpreter);
    return check_executable(path);
}

/* ---- privileges -------------------------------------------------------- */

/* What makes the kernel tell the loader not to trust the environment
 * (AT_SECURE) when this process starts the program; NULL nothing. */
static const char *find_privilege(const char *path)
{
    struct statvfs filesystem;
    struct stat status;

    if (stat(path, &status) != 0 || statvfs(path, &filesystem) != 0 ||
        (filesystem.f_flag & ST_NOSUID) ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return NULL;
    if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
        return "setuid";
    if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) &&
        status.st_gid != getgid())
        return "setgid";
    if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        return "given capabilities";
    return NULL;
}

/* ---- the verdict ------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void
refuse(struct program_check *check, const char *advice, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(check->reason, sizeof(check->reason), format, values);
    va_end(values);
    check->fits = false;
    check->advice = advice;
}

static void judge(struct program_check *check)
{
    const struct elf_facts *facts = &check->facts;
    const char *slash = strrchr(facts->interpreter, '/');
    const char *privilege = find_privilege(check->path);
    struct elf_facts ours;

    check->fits = true;
    if (elf_check("/proc/self/exe", &ours) == 0 &&
        (facts->class != ours.class || facts->machine != ours.machine)) {
        refuse(
            check, "Build it for this machine's own architecture.",
            facts->class != ours.class ? "a %s-bit program, and the shim is not"
                                       : "a %s-bit program for another "
                                         "processor than the shim",
            facts->class == ELFCLASS32 ? "32" : "64");
    } else if (privilege) {
        refuse(check,
               "Start it as the user it belongs to, or profile a copy without "
               "the privilege.",
               "%s: the loader ignores LD_PRELOAD", privilege);
    } else if (!facts->interpreter[0] && !facts->loader) {
        refuse(check,
               facts->go ? "It is a Go program: import net/http/pprof in it."
                         : "Link it dynamically (without -static).",
               "statically linked: no loader preloads the shim");
    } else if (slash && strncmp(slash, "/ld-linux", 9) != 0) {
        refuse(check, "Build it for glibc 2.35 or newer.",
               "its loader %.64s is not glibc's", facts->interpreter);
        check->refuses = true;
    } else if (facts->sanitizer) {
        refuse(check, "Build it without -fsanitize.",
               "built with a sanitizer, which owns the heap (%s)",
               facts->sanitizer);
        /* As a library it insists on being the first one loaded. */
        check->refuses = strncmp(facts->sanitizer, "lib", 3) == 0;
    } else if (facts->allocator) {
        refuse(check,
               "Build it with the system's malloc, or with its allocator as a "
               "shared library.",
               "brings an allocator of its own (%s)", facts->allocator);
    } else if (facts->go) {
        refuse(check, "Import net/http/pprof in it.",
               "a Go program: its heap is not malloc's");
    }
}

int program_check(const char *path, struct program_check *check)
{
    int err;

    *check = (struct program_check){0};
    if (snprintf(check->path, sizeof(check->path), "%s", path) >=
        (int)sizeof(check->path))
        return -ENAMETOOLONG;
    for (int i = 0;; i++) {
        err = elf_check(check->path, &check->facts);
        if (err != -ENOEXEC)
            break;
        if (i == PROGRAM_SCRIPTS_MAX)
            return -ELOOP;
        err = follow_script(check->path);
        if (err)
            return err;
    }
    if (!err)
        judge(check);
    return err;
}
