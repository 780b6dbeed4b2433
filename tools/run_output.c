/* SPDX-License-Identifier: MIT */
/* run_output.c - see run_output.h. */
#include "run_output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_FILE "%n.%p.preprof"

/* A path being written; more than fits sets `cut`. */
struct name {
    char *bytes;
    size_t length, size;
    bool cut;
};

static void name_add(struct name *name, const char *text, size_t length)
{
    if (name->length + length >= name->size) {
        name->cut = true;
        return;
    }
    memcpy(name->bytes + name->length, text, length);
    name->length += length;
    name->bytes[name->length] = '\0';
}

/* ---- choosing ---------------------------------------------------------- */

/* Whether a pattern asks for the pid: "%%p" does not. */
static bool has_pid(const char *file)
{
    while ((file = strchr(file, '%')) && file[1] != 'p')
        file += file[1] ? 2 : 1;
    return file;
}

/* A missing directory is found out now, not after hours of running. One with
 * a %n in it cannot be checked. */
static int check_directory(const char *pattern)
{
    char directory[RUN_OUTPUT_MAX];
    size_t length = (size_t)(strrchr(pattern, '/') - pattern);

    snprintf(directory, sizeof(directory), "%.*s", length ? (int)length : 1,
             pattern);
    if (strchr(directory, '%') || access(directory, W_OK) == 0)
        return 0;
    fprintf(stderr, "preprof: no profile can be written to %s: %s\n", directory,
            strerror(errno));
    return -errno;
}

int run_output_choose(struct run_output *output, const char *file)
{
    struct name name = {output->pattern, 0, sizeof(output->pattern), false};
    struct stat status;

    *output = (struct run_output){0};
    if (!getcwd(output->directory, sizeof(output->directory) - 1)) {
        fprintf(stderr, "preprof: the current directory: %s\n",
                strerror(errno));
        return -errno;
    }
    if (strcmp(output->directory, "/") != 0)
        strcat(output->directory, "/");
    if (!file)
        file = DEFAULT_FILE;
    /* The finished profile is renamed to it: it must not be a device. */
    if (!*file || (stat(file, &status) == 0 && !S_ISREG(status.st_mode))) {
        fprintf(stderr, "preprof: -o takes a file, and '%s' is %s\n", file,
                !*file                    ? "empty"
                : S_ISDIR(status.st_mode) ? "a directory"
                                          : "not a regular file");
        return -EINVAL;
    }
    /* A percent sign of the directory is no pattern. */
    for (const char *p = output->directory; *file != '/' && *p; p++)
        name_add(&name, *p == '%' ? "%%" : p, *p == '%' ? 2 : 1);
    name_add(&name, file, strlen(file));
    output->renamed = !has_pid(file);
    if (output->renamed)
        name_add(&name, ".%p", 3);
    if (name.cut) {
        fprintf(stderr, "preprof: -o: the path is too long\n");
        return -ENAMETOOLONG;
    }
    return check_directory(output->pattern);
}

/* ---- using ------------------------------------------------------------- */

bool run_output_expand(const struct run_output *output, uint32_t pid,
                       const char *program, char path[PATH_MAX])
{
    struct name name = {path, 0, PATH_MAX, false};
    char digits[16];
    int length = snprintf(digits, sizeof(digits), "%u", pid);

    /* The name comes from a segment: it must not lead elsewhere. */
    if (strchr(program, '/') || !output->pattern[0])
        return false;
    for (const char *p = output->pattern; *p; p++) {
        if (*p != '%' || !p[1] || !strchr("pn%", p[1])) {
            name_add(&name, p, 1);
            continue;
        }
        p++;
        if (*p == 'p')
            name_add(&name, digits, (size_t)length);
        else if (*p == 'n')
            name_add(&name, program, strlen(program));
        else
            name_add(&name, "%", 1);
    }
    return !name.cut;
}

void run_output_glob(const struct run_output *output, char glob[PATH_MAX])
{
    struct name name = {glob, 0, PATH_MAX, false};

    glob[0] = '\0';
    for (const char *p = output->pattern; *p; p++) {
        if (*p == '%' && p[1] && strchr("pn%", p[1])) {
            p++;
            name_add(&name, *p == '%' ? "%" : "*", 1);
            continue;
        }
        if (strchr("*?[\\", *p))
            name_add(&name, "\\", 1);
        name_add(&name, p, 1);
    }
}

const char *run_output_shorten(const struct run_output *output,
                               const char *path)
{
    size_t length = strlen(output->directory);

    return strncmp(path, output->directory, length) == 0 && path[length]
               ? path + length
               : path;
}
