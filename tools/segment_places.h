/* SPDX-License-Identifier: MIT */
/*
 * segment_places.h - the directories that segments are in.
 *
 * One per user, or the one that PREPROF_DIR names. Root sees those of all
 * users: a server may have changed user and forked since. A directory counts
 * only when it is its user's and nobody else may write to it.
 * Read next: segment_find.h.
 */
#ifndef PREPROF_SEGMENT_PLACES_H
#define PREPROF_SEGMENT_PLACES_H

#include <limits.h>
#include <stddef.h>

/* PREPROF_DIR, else /dev/shm/preprof-EUID. */
void segment_directory(char directory[PATH_MAX]);

struct segment_places {
    char **directories; /* the first is that of segment_directory() */
    size_t count;
};

/* Lists the directories this user may look at, or `only` that one when it is
 * not NULL. Returns 0 or -ENOMEM. Freed by segment_places_free(). */
int segment_places_list(const char *only, struct segment_places *places);

void segment_places_free(struct segment_places *places);

#endif
