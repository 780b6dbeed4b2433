/* SPDX-License-Identifier: MIT */
/* segment_places.c - see segment_places.h. */
#include "segment_places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARENT "/dev/shm"
#define PREFIX "preprof-"

static const char *chosen_directory(void)
{
    const char *chosen = getenv("PREPROF_DIR");

    return chosen && *chosen ? chosen : NULL;
}

void segment_directory(char directory[PATH_MAX])
{
    const char *chosen = chosen_directory();

    if (chosen)
        snprintf(directory, PATH_MAX, "%s", chosen);
    else
        snprintf(directory, PATH_MAX, PARENT "/" PREFIX "%u",
                 (unsigned)geteuid());
}

static int add(struct segment_places *places, const char *directory)
{
    char **grown =
        realloc(places->directories, (places->count + 1) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    places->directories = grown;
    grown[places->count] = strdup(directory);
    if (!grown[places->count])
        return -ENOMEM;
    places->count++;
    return 0;
}

/* Whether PARENT/name is the directory of the user it names, and of no
 * other. */
static bool is_users_own(int parent_fd, const char *name)
{
    struct stat status;
    unsigned uid;
    int end = 0;

    return sscanf(name, PREFIX "%u%n", &uid, &end) == 1 && !name[end] &&
           uid != geteuid() &&
           fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode) && status.st_uid == uid &&
           !(status.st_mode & 022);
}

static int add_others(struct segment_places *places)
{
    DIR *parent = opendir(PARENT);
    struct dirent *entry;
    int err = 0;

    while (!err && parent && (entry = readdir(parent))) {
        char path[PATH_MAX];

        if (!is_users_own(dirfd(parent), entry->d_name))
            continue;
        snprintf(path, sizeof(path), PARENT "/%s", entry->d_name);
        err = add(places, path);
    }
    if (parent)
        closedir(parent);
    return err;
}

int segment_places_list(const char *only, struct segment_places *places)
{
    char own[PATH_MAX];
    int err;

    *places = (struct segment_places){NULL, 0};
    segment_directory(own);
    err = add(places, only ? only : own);
    if (!err && !only && !chosen_directory() && geteuid() == 0)
        err = add_others(places);
    if (err)
        segment_places_free(places);
    return err;
}

void segment_places_free(struct segment_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->directories[i]);
    free(places->directories);
    *places = (struct segment_places){NULL, 0};
}
